// The address of a server.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace hadal {

struct HttpUrl {
  bool tls = false;
  std::string host;
  uint16_t port = 0;
  std::string path;  // "" or "/prefix", without a slash at the end
};

// "http://host:8080/prefix", "https://host"; without a scheme: http. Throws
// Error(invalid_argument).
HttpUrl parse_url(std::string_view text);

}  // namespace hadal
