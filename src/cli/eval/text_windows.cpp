#include "cli/eval/text_windows.h"

#include "checkpoint/model_location.h"

namespace hadal::cli {

std::vector<std::vector<int32_t>> text_windows(
    const Tokenizer& tokenizer, const std::string& text, int64_t tokens) {
  const int32_t bos = tokenizer.bos_id();
  std::vector<std::vector<int32_t>> windows;
  for (const int32_t id : tokenizer.encode(text, SpecialTokens::recognised)) {
    const bool full = windows.empty() ||
                      static_cast<int64_t>(windows.back().size()) >= tokens;
    if (full || id == bos)
      windows.push_back({bos});
    if (id != bos)
      windows.back().push_back(id);
  }
  std::erase_if(windows, [](const auto& window) { return window.size() < 2; });
  return windows;
}

std::filesystem::path bundled_text(bool calibration) {
  return bundled_model() / (calibration ? "calibration.txt" : "eval.txt");
}

}  // namespace hadal::cli
