// The target of a request line: path and query.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace hadal {

struct RequestTarget {
  std::string raw_path;  // printable ASCII, as sent
  std::string path;
  std::map<std::string, std::string> query;  // the last of a name counts
};

// "/v1/models?limit=5", "http://host/v1/models" or "*". None for other forms,
// percent signs without two hexadecimal digits, control characters (decoded
// ones too) and more than `max_parameters` in the query.
std::optional<RequestTarget> parse_target(
    std::string_view target, size_t max_parameters);

}  // namespace hadal
