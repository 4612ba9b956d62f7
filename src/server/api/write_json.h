// Helpers of the .cpp files that write answers with nlohmann::ordered_json. Not
// for our headers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "text/json_value.h"

namespace hadal {

// One line. Bytes that are not UTF-8 become U+FFFD instead of an exception.
inline std::string dump(const nlohmann::ordered_json& value) {
  return value.dump(
      -1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

// `text` as a JSON string with its quotes; it must be UTF-8.
inline std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace hadal
