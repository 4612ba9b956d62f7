#include "server/http/request_target.h"

#include <algorithm>

namespace hadal {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9')
    return c - '0';
  if (c >= 'a' && c <= 'f')
    return c - 'a' + 10;
  if (c >= 'A' && c <= 'F')
    return c - 'A' + 10;
  return -1;
}

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
}

std::optional<std::string> decoded(std::string_view text, bool plus_is_blank) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      if (i + 2 >= text.size())
        return {};
      const int high = hex_digit(text[i + 1]);
      const int low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0)
        return {};
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_blank) {
      c = ' ';
    }
    if (is_control(c))
      return {};
    out += c;
  }
  return out;
}

bool parse_query(
    std::string_view text,
    size_t max_parameters,
    std::map<std::string, std::string>& query) {
  for (size_t count = 0; !text.empty(); ++count) {
    if (count == max_parameters)
      return false;
    const size_t end = std::min(text.find('&'), text.size());
    const std::string_view parameter = text.substr(0, end);
    const size_t equals = std::min(parameter.find('='), parameter.size());
    const auto name = decoded(parameter.substr(0, equals), true);
    const auto value =
        decoded(parameter.substr(std::min(equals + 1, parameter.size())), true);
    if (!name || !value)
      return false;
    if (!name->empty())
      query[*name] = *value;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

// The part behind scheme and authority, which proxies may send.
std::string_view without_authority(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme))
      continue;
    target.remove_prefix(scheme.size());
    const size_t slash = target.find_first_of("/?");
    return slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target;
}

}  // namespace

std::optional<RequestTarget> parse_target(
    std::string_view target, size_t max_parameters) {
  RequestTarget out;
  target = without_authority(target);
  // A fragment is the browser's own; some clients send it all the same.
  target = target.substr(0, target.find('#'));
  const size_t mark = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(0, mark);
  if (path.empty())
    path = "/";
  if (path.front() != '/' && path != "*")
    return {};
  const bool printable = std::all_of(
      path.begin(), path.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!printable)
    return {};
  out.raw_path = path;
  const auto decoded_path = decoded(path, false);
  if (!decoded_path)
    return {};
  out.path = *decoded_path;
  if (!parse_query(
          target.substr(std::min(mark + 1, target.size())),
          max_parameters,
          out.query))
    return {};
  return out;
}

}  // namespace hadal
