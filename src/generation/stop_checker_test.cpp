#include "generation/stop_checker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "hadal/error.h"

namespace hadal {
namespace {

constexpr int64_t kVocabulary = 1000;
constexpr int32_t kText = 500;  // a token that ends nothing

struct Found {
  std::string text;
  int64_t index = -1;
  bool operator==(const Found&) const = default;
};

// The meaning: the first complete stop string, the longest of those that end
// together; the text before it.
Found search(const std::string& input, const std::vector<std::string>& stops) {
  for (size_t end = 1; end <= input.size(); ++end) {
    int64_t best = -1;
    for (size_t i = 0; i < stops.size(); ++i) {
      const std::string& stop = stops[i];
      const bool complete =
          stop.size() <= end &&
          input.compare(end - stop.size(), stop.size(), stop) == 0;
      if (complete &&
          (best < 0 || stop.size() > stops[static_cast<size_t>(best)].size()))
        best = static_cast<int64_t>(i);
    }
    if (best >= 0) {
      return {
          input.substr(0, end - stops[static_cast<size_t>(best)].size()), best};
    }
  }
  return {input, -1};
}

// Pushes `pieces`; what is held back comes at the end.
Found run(
    const std::vector<std::string>& pieces,
    const std::vector<std::string>& stops) {
  StopStrings matcher(stops);
  Found found;
  for (const std::string& piece : pieces) {
    found.index = matcher.push(piece, found.text);
    if (found.index >= 0)
      return found;
  }
  matcher.flush(found.text);
  return found;
}

TEST(StopStrings, CutAnywhere) {
  const std::vector<std::vector<std::string>> lists = {
      {"</s>"},
      {"abab", "bab"},
      {"aaa"},
      {"aab", "ab"},
      {"\n\nUser:", "\n\n"},
      {"é", "日本"},
      {"x"},
      {"abcd", "bc"},
      {},
  };
  const std::vector<std::string> inputs = {
      "",
      "hello",
      "hello</s>more",
      "<</s</s>",
      "ababab",
      "aabab",
      "aaaa",
      "one\n\nUser: two",
      "one\nUser",
      "caf\xC3\xA8 \xC3\xA9t\xC3\xA9",
      "日 日本語",
      "abcabcd",
  };
  for (const auto& stops : lists) {
    for (const std::string& input : inputs) {
      const Found expected = search(input, stops);
      // Every way to cut into three.
      for (size_t i = 0; i <= input.size(); ++i) {
        for (size_t j = i; j <= input.size(); ++j) {
          EXPECT_EQ(
              run({input.substr(0, i), input.substr(i, j - i), input.substr(j)},
                  stops),
              expected)
              << input << " cut at " << i << " and " << j;
        }
      }
      std::vector<std::string> bytes;
      for (const char byte : input)
        bytes.emplace_back(1, byte);
      EXPECT_EQ(run(bytes, stops), expected) << input;
    }
  }
}

TEST(StopStrings, RandomTextOfTwoLetters) {
  std::mt19937_64 random(1);
  const auto word = [&](size_t longest) {
    std::string text(1 + random() % longest, 'a');
    for (char& c : text)
      c = random() % 2 == 0 ? 'a' : 'b';
    return text;
  };
  for (int trial = 0; trial < 2000; ++trial) {
    std::vector<std::string> stops;
    for (size_t i = 0; i < 1 + random() % 3; ++i)
      stops.push_back(word(7));
    std::vector<std::string> pieces;
    std::string input;
    for (int i = 0; i < 6; ++i) {
      pieces.push_back(word(4));
      input += pieces.back();
    }
    EXPECT_EQ(run(pieces, stops), search(input, stops)) << input;
  }
}

TEST(StopStrings, HoldsBackNoMoreThanNeeded) {
  StopStrings matcher({"<end>"});
  std::string text;
  EXPECT_EQ(matcher.push("abc<e", text), -1);
  EXPECT_EQ(text, "abc");
  EXPECT_EQ(matcher.push("<en", text), -1);
  EXPECT_EQ(text, "abc<e");
  EXPECT_EQ(matcher.push("x", text), -1);
  EXPECT_EQ(text, "abc<e<enx");
  EXPECT_EQ(matcher.push("<end", text), -1);
  EXPECT_EQ(text, "abc<e<enx");
  matcher.flush(text);
  EXPECT_EQ(text, "abc<e<enx<end");
  // A flush starts anew.
  EXPECT_EQ(matcher.push(">", text), -1);
  EXPECT_EQ(text, "abc<e<enx<end>");
}

TEST(StopStrings, MayBeToldNotToStop) {
  StopStrings matcher({"aba"});
  std::string text;
  EXPECT_EQ(matcher.push("xaba", text, false), -1);
  EXPECT_EQ(text, "xab");  // the last "a" may begin another one
  EXPECT_EQ(matcher.push("ba!", text, true), 0);
  EXPECT_EQ(text, "xab");
}

// --- the checker

StopChecker make_checker(
    const StopOptions& options, int64_t max_thinking_tokens = -1) {
  return StopChecker(
      options, std::vector<int32_t>{1, 0, 2}, kVocabulary, max_thinking_tokens);
}

TEST(StopChecker, EndTokensEndWithoutText) {
  for (const int32_t end : {0, 1, 2, 77}) {
    StopChecker checker = make_checker({.strings = {"zzz"}, .token_ids = {77}});
    StopStep step = checker.push(kText, "hi z");
    EXPECT_EQ(step.text, "hi ");
    EXPECT_FALSE(step.reason.has_value());
    step = checker.push(end, "<eos>");
    EXPECT_EQ(step.text, "z");  // held back until then
    EXPECT_EQ(step.reason, StopReason::end_token);
    EXPECT_EQ(step.end_token, end);
    EXPECT_EQ(checker.tokens(), 2);
  }
  StopChecker checker = make_checker({});
  EXPECT_FALSE(checker.push(77, "x").reason.has_value());
}

TEST(StopChecker, StopStringsSpanTokens) {
  StopChecker checker = make_checker({.strings = {"STOP", "\n\n"}});
  EXPECT_EQ(checker.push(kText, "one S").text, "one ");
  EXPECT_EQ(checker.push(kText, "TO").text, "");
  const StopStep step = checker.push(kText, "P and more");
  EXPECT_EQ(step.text, "");
  EXPECT_EQ(step.reason, StopReason::stop_string);
  EXPECT_EQ(step.stop_string, 0);
}

TEST(StopChecker, MaxTokensFlushesTheText) {
  StopChecker checker = make_checker({.max_tokens = 2, .strings = {"STOP"}});
  EXPECT_FALSE(checker.push(kText, "a").reason.has_value());
  const StopStep step = checker.push(kText, "bST");
  EXPECT_EQ(step.reason, StopReason::max_tokens);
  EXPECT_EQ(step.text, "bST");
  // A stop at the very last token is a stop.
  StopChecker other = make_checker({.max_tokens = 1, .strings = {"STOP"}});
  EXPECT_EQ(other.push(kText, "STOP").reason, StopReason::stop_string);
  StopChecker third = make_checker({.max_tokens = 1});
  EXPECT_EQ(third.push(1, "").reason, StopReason::end_token);
  // Thinking counts too.
  StopChecker fourth = make_checker({.max_tokens = 1});
  EXPECT_EQ(fourth.push(kText, "hm", true).reason, StopReason::max_tokens);
}

TEST(StopChecker, NothingStopsBeforeMinTokens) {
  StopChecker checker =
      make_checker({.min_tokens = 2, .strings = {"ab"}, .token_ids = {77}});
  EXPECT_EQ(
      std::vector<int32_t>(checker.banned().begin(), checker.banned().end()),
      (std::vector<int32_t>{0, 1, 2, 77}));
  StopStep step = checker.push(kText, "abx");
  EXPECT_EQ(step.text, "abx");
  EXPECT_FALSE(step.reason.has_value());
  step = checker.push(1, "<eos>");  // although it was banned
  EXPECT_EQ(step.text, "");
  EXPECT_FALSE(step.reason.has_value());
  EXPECT_TRUE(checker.banned().empty());
  EXPECT_EQ(checker.push(kText, "ab").reason, StopReason::stop_string);
}

TEST(StopChecker, StopStringsApplyToContentOnly) {
  StopChecker checker = make_checker({.strings = {"END"}});
  StopStep step = checker.push(kText, "the END is", true);
  EXPECT_EQ(step.text, "the END is");
  EXPECT_FALSE(step.reason.has_value());
  EXPECT_EQ(checker.push(kText, "E", true).text, "E");
  // Thinking's last letters do not begin a stop string of the content.
  EXPECT_EQ(checker.push(kText, "ND", false).text, "ND");
  EXPECT_EQ(checker.push(kText, "EN", false).text, "");
  EXPECT_EQ(checker.flush(), "EN");
  EXPECT_EQ(checker.thinking_tokens(), 2);
  EXPECT_EQ(checker.tokens(), 4);
}

TEST(StopChecker, TheThinkingBudgetIsSaidOnce) {
  StopChecker checker = make_checker({}, 3);
  EXPECT_FALSE(checker.push(kText, "a", true).end_thinking);
  EXPECT_FALSE(checker.push(kText, "b", true).end_thinking);
  EXPECT_TRUE(checker.push(kText, "c", true).end_thinking);
  EXPECT_FALSE(checker.push(kText, "\n", true).end_thinking);
  EXPECT_FALSE(checker.push(kText, "x", false).end_thinking);
}

TEST(StopChecker, OptionsAreChecked) {
  EXPECT_THROW(make_checker({.strings = {""}}), Error);
  EXPECT_THROW(make_checker({.max_tokens = 0}), Error);
  EXPECT_THROW(make_checker({}, 0), Error);
  EXPECT_THROW(make_checker({.token_ids = {1000}}), Error);
}

}  // namespace
}  // namespace hadal
