// The spelling of bytes in tokenizer.json: each byte is written as one
// printable character (the alphabet of GPT-2).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hadal {

// The bytes in the order of the base vocabulary: those that are printable in
// Latin-1 and spell themselves, then the others, spelled U+0100 and up.
std::array<uint8_t, 256> byte_alphabet_order();

// The bytes that a token's spelling stands for, or nothing when it holds a
// character that spells no byte.
std::optional<std::string> bytes_of_spelling(std::string_view spelling);

}  // namespace hadal
