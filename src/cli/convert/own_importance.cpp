#include "cli/convert/own_importance.h"

#include "base/memory_info.h"
#include "base/progress.h"
#include "cli/eval/text_windows.h"
#include "cli/read_text.h"
#include "convert/importance_recorder.h"
#include "hadal/error.h"

namespace hadal::cli {
namespace {

// Empty when the program stands alone, without what comes with it.
std::filesystem::path calibration_text() {
  try {
    const std::filesystem::path text = bundled_text(true);
    return std::filesystem::exists(text) ? text : std::filesystem::path();
  } catch (const Error&) {
    return {};
  }
}

}  // namespace

std::optional<Importance> measure_own_importance(
    const std::filesystem::path& source, int threads, std::stop_token stop) {
  constexpr int64_t kWindowTokens = 512;
  if (!std::filesystem::exists(source / "tokenizer.json"))
    return std::nullopt;
  const std::filesystem::path text = calibration_text();
  if (text.empty())
    return std::nullopt;
  LoadedModel model = load_checkpoint(source);
  if (model.report.tensor_bytes > memory_info().available_bytes)
    return std::nullopt;
  const std::vector<std::vector<int32_t>> windows = text_windows(
      Tokenizer::load(source), read_text(text.string()), kWindowTokens);
  Progress progress("measuring importance", ProgressUnit::tokens);
  Importance importance = record_importance(
      std::move(model),
      windows,
      {.threads = threads,
       .on_progress = [&](int64_t done,
                          int64_t total) { progress.update(done, total); },
       .stop = stop});
  // A weight that is NaN or infinite: the conversion will name it.
  if (!importance.finite())
    return std::nullopt;
  return importance;
}

}  // namespace hadal::cli
