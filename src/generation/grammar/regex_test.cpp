// Patterns: which texts they match, and which patterns are refused.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "generation/grammar/regex_parser.h"
#include "generation/grammar/string_format.h"

namespace hadal {
namespace {

struct PatternCase {
  std::string pattern;
  std::vector<std::string> matching;
  std::vector<std::string> others;
};

TEST(Regex, Matches) {
  const std::vector<PatternCase> cases = {
      {"", {"", "x"}, {}},
      {"^$", {""}, {"x"}},
      {"a", {"a", "xax"}, {"", "b"}},
      {"^a", {"a", "ab"}, {"ba"}},
      {"a$", {"a", "ba"}, {"ab", "a\n"}},
      {"^a|b$", {"ax", "xb"}, {"xa", "bx"}},
      {"^(^a|b)$", {"b"}, {"ab"}},
      {"x^", {}, {"x", ""}},
      {"^a{0}$", {""}, {"a"}},
      {"^a{2,3}$", {"aa", "aaa"}, {"a", "aaaa"}},
      {"^(ab|a)(bc)?$", {"a", "ab", "abc", "abbc"}, {"abcbc"}},
      {"^[^\\d]$", {"x"}, {"1", "\u0663"}},
      {"^[\\d-x]{3}$", {"1-x"}, {"abc"}},
      {"^[a\\-z]+$", {"a-z"}, {"b"}},
      {"^[]$", {}, {}},
      {"^[\\]]$", {"]"}, {"["}},
      {"^\\S$", {"a", "\u65e5"}, {" ", "\u00a0", "\u3000", "\x1c"}},
      {"^\\W$", {"-", "\u20ac"}, {"a", "_", "\u00e9", "7"}},
      {"^.$", {"a", "\U0001F600"}, {"\n", "\u2028", ""}},
      {"^\\x41\\u0042\\u{1F600}$", {"AB\U0001F600"}, {"ab"}},
      {"^a{,$", {}, {}},
      {"^a{x}$", {"a{x}"}, {"a"}},
      {"^(?:a|b)*?c$", {"c", "abac"}, {"ab"}},
      {"^(?<year>\\d+)$", {"12"}, {""}},
      {"^(?P<year>\\d+)$", {"12"}, {""}},
      {"^\\cA$", {}, {}},
  };
  for (const PatternCase& one : cases) {
    if (one.matching.empty() && one.others.empty()) {
      EXPECT_THROW(parse_pattern(one.pattern), GrammarRefusal) << one.pattern;
      continue;
    }
    const TextAutomaton texts = texts_with_match(parse_pattern(one.pattern));
    for (const std::string& text : one.matching)
      EXPECT_TRUE(texts.accepts(text)) << one.pattern << " on " << text;
    for (const std::string& text : one.others)
      EXPECT_FALSE(texts.accepts(text)) << one.pattern << " on " << text;
  }
}

TEST(Regex, RefusesWhatIsNotRegular) {
  for (const char* pattern : {"(?=a)",  "(?!a)",    "(?<=a)",
                              "(?<!a)", "(a)\\1",   "\\bword",
                              "\\p{L}", "(",        ")",
                              "a**",    "*",        "[b-a]",
                              "[a",     "a{3,2}",   "a{1",
                              "a\\",    "(?i)a",    "\\ud800",
                              "\\u12",  "a{20000}", "(((a{300}){300}){300})"})
    EXPECT_THROW(texts_with_match(parse_pattern(pattern)), GrammarRefusal)
        << pattern;
}

TEST(TextAutomaton, ComplementAndIntersectionAgreeWithTheirMeaning) {
  const TextAutomaton a = texts_with_match(parse_pattern("^(ab|ba)*$"));
  const TextAutomaton b = texts_with_match(parse_pattern("aa|bb"));
  const TextAutomaton both = intersect(complement(a), b);
  std::vector<std::string> texts = {""};
  for (size_t i = 0; i < texts.size() && texts[i].size() < 6; ++i)
    for (const char* c : {"a", "b"})
      texts.push_back(texts[i] + c);
  for (const std::string& text : texts)
    EXPECT_EQ(both.accepts(text), !a.accepts(text) && b.accepts(text)) << text;
  const TextAutomaton some = limit_length(b, 3, 4);
  for (const std::string& text : texts)
    EXPECT_EQ(
        some.accepts(text),
        b.accepts(text) && text.size() >= 3 && text.size() <= 4)
        << text;
}

TEST(TextAutomaton, KnowsTheEmptySet) {
  EXPECT_TRUE(intersect(
                  texts_with_match(parse_pattern("^a+$")),
                  texts_with_match(parse_pattern("^b+$")))
                  .empty());
  EXPECT_TRUE(complement(any_text()).empty());
  EXPECT_FALSE(any_text().empty());
  EXPECT_TRUE(one_of({}).empty());
  EXPECT_FALSE(one_of({""}).empty());
}

TEST(StringFormat, KnowsValidAndInvalidTexts) {
  const std::vector<PatternCase> cases = {
      {"date",
       {"2024-02-28", "2000-12-31"},
       {"2024-02-30", "2024-13-01", "24-01-01", "2024-04-31", "2024-1-1"}},
      {"time", {"00:00:00Z", "23:59:59.123+14:00"}, {"24:00:00Z", "1:00:00Z"}},
      {"date-time", {"2024-01-01T00:00:00Z"}, {"2024-01-01 00:00:00Z"}},
      {"duration", {"P1D", "PT1H2M3S", "P3W"}, {"P", "PT", "1D", "P1S"}},
      {"uuid",
       {"123e4567-e89b-12d3-a456-426614174000"},
       {"123e4567e89b12d3a456426614174000"}},
      {"email",
       {"a@b.cd", "x.y+z@mail.example.org"},
       {"a@", "@b.cd", "a b@c.d"}},
      {"ipv4",
       {"1.2.3.4", "255.255.255.255"},
       {"256.1.1.1", "1.2.3", "01.2.3.4"}},
      {"ipv6",
       {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "a::b:c", "1:2:3:4:5:6:7::"},
       {":::", "1:2:3", "1::2::3", "12345::", "1:2:3:4:5:6:7:8:9"}},
      {"uri", {"http://a.b/c?d#e", "mailto:a@b.cd"}, {"a/b", "http://"}},
      {"hostname", {"a", "a-b.example"}, {"-a", "a..b", ""}},
  };
  for (const PatternCase& one : cases) {
    const TextAutomaton texts = format_texts(one.pattern).value();
    for (const std::string& text : one.matching)
      EXPECT_TRUE(texts.accepts(text)) << one.pattern << " on " << text;
    for (const std::string& text : one.others)
      EXPECT_FALSE(texts.accepts(text)) << one.pattern << " on " << text;
  }
  EXPECT_FALSE(format_texts("colour").has_value());
}

}  // namespace
}  // namespace hadal
