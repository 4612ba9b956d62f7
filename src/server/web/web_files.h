// The web page: its files, embedded in the program.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hadal {

struct WebFile {
  std::string_view content_type;
  std::string_view bytes;
  std::string_view etag;  // quoted, of the contents
};

// "/" and "/web/NAME"; null for every other path. They hold nothing secret and
// are served without an API key, so that the page can ask for one.
const WebFile* find_web_file(std::string_view path);

// All of them.
std::vector<std::string> web_file_paths();

// The Content-Security-Policy to send with each: the page runs its own scripts
// alone, asks no other server for anything, and makes no HTML of strings.
inline constexpr std::string_view kWebSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

}  // namespace hadal
