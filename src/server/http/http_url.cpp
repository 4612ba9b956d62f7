#include "server/http/http_url.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "hadal/error.h"

namespace hadal {

HttpUrl parse_url(std::string_view text) {
  const std::string whole(text);
  const auto wrong = [&whole] {
    return Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "\"{}\" is not a URL such as http://127.0.0.1:8080", whole));
  };
  HttpUrl url;
  if (text.starts_with("https://"))
    url.tls = true;
  if (const size_t scheme = text.find("://"); scheme != text.npos) {
    if (!url.tls && !text.starts_with("http://"))
      throw wrong();
    text.remove_prefix(scheme + 3);
  }
  const size_t slash = std::min(text.find('/'), text.size());
  url.path = text.substr(slash);
  while (url.path.ends_with('/'))
    url.path.pop_back();
  std::string_view authority = text.substr(0, slash);
  url.port = url.tls ? 443 : 80;
  const size_t bracket = authority.find(']');
  const size_t colon =
      authority.find(':', bracket == authority.npos ? 0 : bracket);
  if (colon != authority.npos) {
    const std::string_view port = authority.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size())
      throw wrong();
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']'))
    authority = authority.substr(1, authority.size() - 2);
  url.host = authority;
  if (url.host.empty() || url.host.find_first_of(" \r\n@") != url.host.npos ||
      url.path.find_first_of(" \r\n?#") != url.path.npos)
    throw wrong();
  return url;
}

}  // namespace hadal
