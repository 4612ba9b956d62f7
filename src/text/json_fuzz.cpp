// Any bytes: the reader does not crash, both of its modes agree, and what it
// reads is a fixpoint of printing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "text/json_value.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace hadal;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  Result<JsonValue> read = parse_json(text);
  if (read.has_value() != is_json(text))
    std::abort();
  if (!read.has_value()) {
    if (read.error().message.empty())
      std::abort();
    return 0;
  }
  // An overflowing number is printed as Infinity, as Python does.
  JsonReadOptions options;
  options.python_constants = true;
  std::string printed = print_json(*read);
  Result<JsonValue> again = parse_json(printed, options);
  if (!again.has_value() || print_json(*again) != printed)
    std::abort();
  return 0;
}
