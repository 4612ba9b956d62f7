// Any text as a config.json: either an Error about the file, or a configuration
// whose derived sizes can be computed.
#include <cstdint>
#include <cstdlib>

#include "checkpoint/model_config.h"
#include "checkpoint/quantization.h"
#include "hadal/error.h"

namespace {

template <class Action>
void expect_error_about_the_file(Action action) {
  try {
    action();
  } catch (const hadal::Error& error) {
    if (error.code() != hadal::ErrorCode::corrupt &&
        error.code() != hadal::ErrorCode::unsupported)
      std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  expect_error_about_the_file([&] {
    const hadal::ModelConfig config = hadal::parse_model_config(text, "fuzz");
    if (config.group_width() <= 0 ||
        config.layer_kinds.size() <
            static_cast<size_t>(config.num_hidden_layers))
      std::abort();
  });
  expect_error_about_the_file([&] { hadal::parse_quantization(text, "fuzz"); });
  return 0;
}
