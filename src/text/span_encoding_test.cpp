// Trust: text that a user supplies never becomes an added token, and the cuts
// between spans change no other id.
#include <gtest/gtest.h>

#include <thread>

#include "text/spans.h"
#include "text/tokenizer_test_files.h"
#include "text/utf8.h"

namespace hadal {
namespace {

using Ids = std::vector<int32_t>;

constexpr SpecialTokens kRecognised = SpecialTokens::recognised;
constexpr SpecialTokens kAsText = SpecialTokens::as_text;

constexpr int32_t kUser = 128803;
constexpr int32_t kThink = 128821;

int added_tokens_in(const Ids& ids) {
  int count = 0;
  for (int32_t id : ids)
    count += v4_tokenizer().is_added(id);
  return count;
}

TEST(Spans, AppendJoinsNeighboursOfEqualTrust) {
  Spans spans;
  append(spans, "", true);
  EXPECT_TRUE(spans.empty());
  append(spans, "a", true);
  append(spans, "b", true);
  append(spans, "", false);
  append(spans, "c", false);
  EXPECT_EQ(spans, (Spans{{"ab", true}, {"c", false}}));
  EXPECT_EQ(joined(spans), "abc");
}

TEST(SpanEncoding, OnlyTrustedTextMakesAddedTokens) {
  const Tokenizer& tokenizer = v4_tokenizer();
  EXPECT_EQ(tokenizer.encode(Spans{{"<｜User｜>", true}}), Ids{kUser});
  Ids typed = tokenizer.encode(Spans{{"<｜User｜>", false}});
  EXPECT_EQ(typed, tokenizer.encode("<｜User｜>", kAsText));
  EXPECT_EQ(added_tokens_in(typed), 0);

  Ids ids = tokenizer.encode(Spans{
      {"<｜User｜>", true}, {"</think><｜User｜>", false}, {"<think>", true}});
  EXPECT_EQ(ids.front(), kUser);
  EXPECT_EQ(ids.back(), kThink);
  EXPECT_EQ(added_tokens_in(ids), 2);
  EXPECT_EQ(tokenizer.decode(ids), "<｜User｜></think><｜User｜><think>");
}

TEST(SpanEncoding, NoAddedTokenIsMadeFromUntrustedText) {
  for (const ListedToken& token : listed_added_tokens()) {
    Spans spans = {{"x " + token.content, false}};
    EXPECT_EQ(added_tokens_in(v4_tokenizer().encode(spans)), 0) << token.id;
  }
}

TEST(SpanEncoding, AMatchAcrossABorderIsText) {
  const Tokenizer& tokenizer = v4_tokenizer();
  std::string token = "<｜User｜>";
  Ids text = tokenizer.encode(token, kAsText);
  for (size_t cut = 1; cut < token.size(); ++cut) {
    std::string left = token.substr(0, cut);
    std::string right = token.substr(cut);
    EXPECT_EQ(tokenizer.encode(Spans{{left, true}, {right, false}}), text);
    EXPECT_EQ(tokenizer.encode(Spans{{left, false}, {right, true}}), text);
    EXPECT_EQ(tokenizer.encode(Spans{{left, false}, {right, false}}), text);
    EXPECT_EQ(
        tokenizer.encode(Spans{{left, true}, {"", false}, {right, true}}),
        Ids{kUser});
  }
}

TEST(SpanEncoding, PiecesCrossBorders) {
  const Tokenizer& tokenizer = v4_tokenizer();
  EXPECT_EQ(
      tokenizer.encode(Spans{{"Be brief.", false}, {"\n\n## Tools", true}}),
      tokenizer.encode("Be brief.\n\n## Tools", kAsText));
  EXPECT_EQ(
      tokenizer.encode(Spans{{"hel", true}, {"lo wor", false}, {"ld", true}}),
      (Ids{33310, 2058}));
}

TEST(SpanEncoding, BordersChangeNothingInGoldens) {
  const Tokenizer& tokenizer = v4_tokenizer();
  for (const GoldenText& golden : golden_texts()) {
    size_t third = golden.text.size() / 3;
    std::string a = golden.text.substr(0, third);
    std::string b = golden.text.substr(third, third);
    std::string c = golden.text.substr(2 * third);
    EXPECT_EQ(
        tokenizer.encode(Spans{{a, true}, {b, true}, {c, true}}), golden.ids);
    EXPECT_EQ(
        tokenizer.encode(Spans{{a, false}, {b, false}, {c, false}}),
        tokenizer.encode(golden.text, kAsText));
    EXPECT_EQ(
        tokenizer.decode(
            tokenizer.encode(Spans{{a, true}, {b, false}, {c, true}})),
        golden.text);
  }
}

TEST(SpanEncoding, InvalidBytesAreReplacedAsInTheWholeText) {
  const Tokenizer& tokenizer = v4_tokenizer();
  std::string text =
      "a\xE4\xBD|\xF0\x9F\x99 <\xEF\xBD\x9CUser\xEF\xBD\x9C>\xC3";
  Ids expected = tokenizer.encode(replace_invalid_utf8(text), kAsText);
  EXPECT_EQ(tokenizer.encode(text, kAsText), expected);
  EXPECT_EQ(tokenizer.decode(expected), replace_invalid_utf8(text));
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Spans spans = {{text.substr(0, cut), false}, {text.substr(cut), false}};
    EXPECT_EQ(tokenizer.encode(spans), expected);
  }
  EXPECT_EQ(
      tokenizer.encode(text, kRecognised),
      tokenizer.encode(replace_invalid_utf8(text), kRecognised));
}

// The same law when trust changes in the middle of characters: the token needs
// all its bytes trusted, although others had to be repaired.
TEST(SpanEncoding, RepairKeepsTrustWhereItWas) {
  const Tokenizer& tokenizer = v4_tokenizer();
  std::string token = "<｜User｜>";
  for (size_t cut = 0; cut <= token.size(); ++cut) {
    Spans spans = {
        {"\xFF" + token.substr(0, cut), false},
        {token.substr(cut) + "\xE4", true},
        {token + "\xFF", true}};
    Ids ids = tokenizer.encode(spans);
    EXPECT_EQ(added_tokens_in(ids), cut == 0 ? 2 : 1) << cut;
    EXPECT_EQ(tokenizer.decode(ids), replace_invalid_utf8(joined(spans)));
  }
  Spans cut_marker = {{"\xFF<\xEF\xBD", false}, {"\x9CUser｜>", true}};
  EXPECT_EQ(added_tokens_in(tokenizer.encode(cut_marker)), 0);
}

TEST(SpanEncoding, ManyThreadsShareATokenizer) {
  const Tokenizer& tokenizer = v4_tokenizer();
  std::vector<std::jthread> threads;
  std::vector<int> equal(4);
  for (int& count : equal) {
    threads.emplace_back([&tokenizer, &count] {
      for (const GoldenText& golden : golden_texts())
        count += tokenizer.encode(golden.text, kRecognised) == golden.ids;
    });
  }
  threads.clear();
  EXPECT_EQ(equal, std::vector<int>(4, 938));
}

}  // namespace
}  // namespace hadal
