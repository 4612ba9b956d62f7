// UTF-8 rules: the standard's own examples, all code points, all cuts.
#include "text/utf8.h"

#include <gtest/gtest.h>

namespace hadal {
namespace {

const std::string_view kFffd = kReplacementCharacter;

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i)
    out += text;
  return out;
}

TEST(Utf8, EveryScalarValueRoundTrips) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if (c == 0xD800)
      c = 0xE000;
    std::string text;
    append_utf8(text, c);
    Utf8Character character = first_character(text);
    ASSERT_EQ(character.status, Utf8Character::Status::valid);
    ASSERT_EQ(character.code_point, c);
    ASSERT_EQ(character.length, text.size());
  }
}

TEST(Utf8, SurrogatesAndLargeValuesCannotBeWritten) {
  std::string text;
  EXPECT_ANY_THROW(append_utf8(text, 0xD800));
  EXPECT_ANY_THROW(append_utf8(text, 0xDFFF));
  EXPECT_ANY_THROW(append_utf8(text, 0x110000));
}

// Unicode 16, tables 3-8 to 3-11.
TEST(Utf8, MaximalSubpartsAsTheStandardShowsThem) {
  auto fixed = [](std::string_view text) { return replace_invalid_utf8(text); };
  EXPECT_EQ(
      fixed("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), repeated(kFffd, 8) + "A");
  EXPECT_EQ(
      fixed("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), repeated(kFffd, 8) + "A");
  EXPECT_EQ(
      fixed("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"),
      repeated(kFffd, 5) + "A" + repeated(kFffd, 2) + "B");
  EXPECT_EQ(
      fixed("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), repeated(kFffd, 4) + "A");
  EXPECT_EQ(
      fixed("long enough for words \xE4\xBD"),
      "long enough for words " + std::string(kFffd));
}

TEST(Utf8, ValidPrefix) {
  EXPECT_EQ(valid_utf8_prefix(""), 0u);
  EXPECT_EQ(valid_utf8_prefix("0123456789abcdef"), 16u);
  EXPECT_EQ(valid_utf8_prefix("01234567\xFFrest"), 8u);
  EXPECT_TRUE(is_valid_utf8("h\xC3\xA9llo \xE4\xBD\xA0\xF0\x9F\x99\x82"));
  EXPECT_FALSE(is_valid_utf8("\xC3"));
}

TEST(Utf8, StreamEqualsWholeTextAtEveryPairOfCuts) {
  std::string text =
      "a\xC3\xA9\xE4\xBD\xA0\xF0\x9F\x99\x82|\xFF\xE4\xBD|\xF0\x9F\x99|\xED\xA0"
      "\x80\xC3(\xF0\x9F\x99";
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second) {
      Utf8Stream stream;
      std::string out;
      for (std::string_view part :
           {std::string_view(text).substr(0, first),
            std::string_view(text).substr(first, second - first),
            std::string_view(text).substr(second)}) {
        std::string characters = stream.push(part);
        EXPECT_TRUE(is_valid_utf8(characters));
        EXPECT_LE(stream.held_bytes(), 3u);
        out += characters;
      }
      out += stream.finish();
      EXPECT_EQ(out, replace_invalid_utf8(text));
    }
  }
}

TEST(Utf8, StreamHoldsNothingItCanEmit) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("a\xE4"), "a");
  EXPECT_EQ(stream.held_bytes(), 1u);
  EXPECT_EQ(stream.push("\xBD"), "");
  EXPECT_EQ(stream.push("\xA0"), "\xE4\xBD\xA0");
  EXPECT_EQ(stream.held_bytes(), 0u);
  EXPECT_EQ(stream.push("\xF0\x9F"), "");
  EXPECT_EQ(stream.push("b"), std::string(kFffd) + "b");
  EXPECT_EQ(stream.finish(), "");
}

}  // namespace
}  // namespace hadal
