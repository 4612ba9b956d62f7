// The spelling of all bytes.
#include "text/byte_alphabet.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace hadal {
namespace {

TEST(ByteAlphabet, OrderOfTheBaseVocabulary) {
  auto order = byte_alphabet_order();
  EXPECT_EQ(order[0], '!');
  EXPECT_EQ(order[0x7E - 0x21], '~');
  EXPECT_EQ(order[0x7E - 0x21 + 1], 0xA1);
  EXPECT_EQ(order[188], 0);
  EXPECT_EQ(order[188 + '\n'], '\n');
  EXPECT_EQ(order[255], 0xAD);
  std::ranges::sort(order);
  for (int byte = 0; byte < 256; ++byte)
    EXPECT_EQ(order[byte], byte);
}

TEST(ByteAlphabet, Spellings) {
  EXPECT_EQ(bytes_of_spelling("\u0120hello\u010A"), " hello\n");
  EXPECT_EQ(bytes_of_spelling("\u00C3\u00A9"), "\xC3\xA9");
  EXPECT_EQ(bytes_of_spelling("\u0100\u0143"), std::string("\0\xAD", 2));
  EXPECT_EQ(bytes_of_spelling(""), "");
}

TEST(ByteAlphabet, CharactersThatSpellNothing) {
  for (const char* text : {" ", "\n", "\u00AD", "\u0144", "\uFF5C", "a\x80"})
    EXPECT_EQ(bytes_of_spelling(text), std::nullopt) << text;
}

}  // namespace
}  // namespace hadal
