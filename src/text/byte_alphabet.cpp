// The alphabet as a table from code points to bytes.
#include "text/byte_alphabet.h"

#include "text/utf8.h"

namespace hadal {
namespace {

constexpr int kSpellingsEnd = 0x144;  // after the last character that spells

constexpr bool spells_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) ||
         byte >= 0xAE;
}

// [code point] -> byte, -1 for none.
constexpr std::array<int16_t, kSpellingsEnd> make_bytes() {
  std::array<int16_t, kSpellingsEnd> bytes{};
  int next = 0x100;
  for (int byte = 0; byte < 256; ++byte) {
    bytes[byte] = -1;
    bytes[spells_itself(byte) ? byte : next++] = static_cast<int16_t>(byte);
  }
  return bytes;
}

constexpr std::array<int16_t, kSpellingsEnd> kBytes = make_bytes();
static_assert(kBytes[' '] == -1 && kBytes[0x120] == ' ');

}  // namespace

std::array<uint8_t, 256> byte_alphabet_order() {
  std::array<uint8_t, 256> order{};
  size_t next = 0;
  for (bool printable : {true, false}) {
    for (int byte = 0; byte < 256; ++byte) {
      if (spells_itself(byte) == printable)
        order[next++] = static_cast<uint8_t>(byte);
    }
  }
  return order;
}

std::optional<std::string> bytes_of_spelling(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  while (!spelling.empty()) {
    Utf8Character character = first_character(spelling);
    if (character.status != Utf8Character::Status::valid ||
        character.code_point >= kSpellingsEnd ||
        kBytes[character.code_point] < 0)
      return std::nullopt;
    bytes += static_cast<char>(kBytes[character.code_point]);
    spelling.remove_prefix(character.length);
  }
  return bytes;
}

}  // namespace hadal
