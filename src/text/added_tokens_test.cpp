// Matching of added tokens: leftmost, longest, in two passes, within ranges.
#include "text/added_tokens.h"

#include <gtest/gtest.h>

namespace hadal {
namespace {

// "[1-3=9]": token 9 from byte 1 up to byte 3.
std::string matches(
    const AddedTokens& tokens,
    std::string_view text,
    const std::vector<ByteRange>& ranges) {
  std::string result;
  for (const AddedTokens::Match& match : tokens.find(text, ranges))
    result += "[" + std::to_string(match.begin) + "-" +
              std::to_string(match.end) + "=" + std::to_string(match.id) + "]";
  return result;
}

std::string matches(const AddedTokens& tokens, std::string_view text) {
  return matches(tokens, text, {{0, text.size()}});
}

AddedToken plain(int32_t id, const std::string& content) {
  return {.id = id, .content = content};
}

AddedToken normalized(int32_t id, const std::string& content) {
  return {.id = id, .content = content, .normalized = true};
}

TEST(AddedTokens, LeftmostThenLongest) {
  AddedTokens tokens({plain(1, "<a"), plain(2, "<ab>"), plain(3, "b>")});
  EXPECT_EQ(matches(tokens, "x<ab>"), "[1-5=2]");
  EXPECT_EQ(matches(tokens, "<abb>"), "[0-2=1][3-5=3]");
  EXPECT_EQ(matches(tokens, "<<a<ab"), "[1-3=1][3-5=1]");
  EXPECT_EQ(matches(tokens, "no token"), "");
  EXPECT_EQ(matches(tokens, ""), "");
}

TEST(AddedTokens, NormalizedTokensComeSecond) {
  AddedTokens tokens({normalized(1, "xy"), plain(2, "yz"), plain(3, "-")});
  EXPECT_EQ(matches(tokens, "xyz"), "[1-3=2]");
  EXPECT_EQ(matches(tokens, "xy-xy"), "[0-2=1][2-3=3][3-5=1]");
  AddedTokens reversed({plain(1, "xy"), normalized(2, "yz")});
  EXPECT_EQ(matches(reversed, "xyz"), "[0-2=1]");
}

TEST(AddedTokens, AMatchLiesWithinOneRange) {
  AddedTokens tokens({plain(1, "<a>"), plain(2, "<a>>")});
  EXPECT_EQ(matches(tokens, "<a><a>>", {}), "");
  EXPECT_EQ(matches(tokens, "<a><a>>", {{0, 3}}), "[0-3=1]");
  EXPECT_EQ(matches(tokens, "<a><a>>", {{1, 7}}), "[3-7=2]");
  EXPECT_EQ(matches(tokens, "<a><a>>", {{3, 6}}), "[3-6=1]");
  EXPECT_EQ(matches(tokens, "<a><a>>", {{0, 2}, {3, 5}}), "");
  EXPECT_EQ(matches(tokens, "<a><a>>", {{0, 3}, {3, 7}}), "[0-3=1][3-7=2]");
}

TEST(AddedTokens, Lookups) {
  AddedTokens tokens({plain(7, "seven"), normalized(3, "three")});
  EXPECT_EQ(tokens.find_id(3)->content, "three");
  EXPECT_EQ(tokens.find_id(7)->content, "seven");
  EXPECT_EQ(tokens.find_id(5), nullptr);
  EXPECT_EQ(tokens.find_id(8), nullptr);
  EXPECT_EQ(tokens.find_content("seven")->id, 7);
  EXPECT_EQ(tokens.find_content("sev"), nullptr);
}

}  // namespace
}  // namespace hadal
