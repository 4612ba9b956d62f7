#include "checkpoint/quote.h"

#include <fmt/format.h>

namespace hadal {
namespace {

constexpr size_t kMaxShownBytes = 160;

void append(std::string& out, std::string_view text) {
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F || c == '"' || c == '\\')
      out += fmt::format("\\x{:02x}", byte);
    else
      out += c;
  }
}

}  // namespace

std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  if (text.size() <= kMaxShownBytes) {
    append(out, text);
  } else {
    append(out, text.substr(0, kMaxShownBytes / 2));
    out += "...";
    append(out, text.substr(text.size() - kMaxShownBytes / 2));
  }
  return out + "\"";
}

}  // namespace hadal
