// Base64 as in RFC 4648, section 4: for opaque fields that carry text through a
// client and back.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace hadal {

std::string encode_base64(std::string_view bytes);

// Nothing for text that is not whole, padded base64.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace hadal
