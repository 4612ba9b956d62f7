// Recursive descent over the pattern's characters.
#include "generation/grammar/regex_parser.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "generation/grammar/pattern_class.h"

namespace hadal {
namespace {

constexpr int kMaxGroups = 64;  // inside each other
constexpr int64_t kMaxCount = 10'000;

class PatternParser : private PatternCursor {
 public:
  explicit PatternParser(std::string_view pattern) : PatternCursor(pattern) {}

  Regex parse() {
    Regex regex = choice();
    if (!at_end())
      refuse("a ')' without '('");
    return regex;
  }

 private:
  Regex choice();
  Regex sequence();
  Regex repeated(Regex part);
  Regex atom();
  Regex group();
  bool counts(int64_t& min, int64_t& max);
  int64_t number();

  int depth_ = 0;
};

Regex PatternParser::choice() {
  std::vector<Regex> parts;
  do
    parts.push_back(sequence());
  while (take('|'));
  return parts.size() == 1 ? std::move(parts[0])
                           : Regex::choice(std::move(parts));
}

Regex PatternParser::sequence() {
  std::vector<Regex> parts;
  while (!at_end() && peek() != '|' && peek() != ')')
    parts.push_back(repeated(atom()));
  return Regex::sequence(std::move(parts));
}

Regex PatternParser::repeated(Regex part) {
  int64_t min = 0;
  int64_t max = -1;
  if (take('*')) {
  } else if (take('+')) {
    min = 1;
  } else if (take('?')) {
    max = 1;
  } else if (!counts(min, max)) {
    return part;
  }
  if (part.kind == Regex::Kind::text_begin ||
      part.kind == Regex::Kind::text_end)
    refuse("a repeated ^ or $");
  take('?');  // lazy: the same texts
  if (peek() == '*' || peek() == '+')
    refuse("a quantifier behind a quantifier");
  return Regex::repeat(std::move(part), min, max);
}

int64_t PatternParser::number() {
  int64_t value = 0;
  while (peek() >= '0' && peek() <= '9') {
    value = value * 10 + static_cast<int64_t>(next("a digit") - '0');
    if (value > kMaxCount)
      refuse(fmt::format("a count above the limit of {}", kMaxCount));
  }
  return value;
}

// {m}, {m,} or {m,n}; any other brace is a character.
bool PatternParser::counts(int64_t& min, int64_t& max) {
  if (peek() != '{' || at_end())
    return false;
  if (peek(1) == ',')
    refuse("'{,', which dialects read differently; write {0,n}");
  if (peek(1) < '0' || peek(1) > '9')
    return false;
  take('{');
  min = max = number();
  if (take(','))
    max = peek() == '}' ? -1 : number();
  if (!take('}'))
    refuse("an unfinished {m,n}");
  if (max >= 0 && max < min)
    refuse("{m,n} with n below m");
  return true;
}

Regex PatternParser::atom() {
  char32_t c = next("an expression");
  switch (c) {
    case '.':
      return Regex::set(dot_class());
    case '^': {
      Regex regex;
      regex.kind = Regex::Kind::text_begin;
      return regex;
    }
    case '$': {
      Regex regex;
      regex.kind = Regex::Kind::text_end;
      return regex;
    }
    case '(':
      return group();
    case '[':
      return Regex::set(read_bracket(*this));
    case '\\': {
      char32_t single = 0;
      return Regex::set(read_escape(*this, false, single));
    }
    case '*':
    case '+':
    case '?':
      refuse("a quantifier with nothing before it");
    default:
      return Regex::set(CharSet::one(c));
  }
}

Regex PatternParser::group() {
  if (++depth_ > kMaxGroups)
    refuse(fmt::format("groups deeper than the limit of {}", kMaxGroups));
  if (take('?')) {
    if (take('P') || peek() == '<') {
      take('<');
      if (peek() == '=' || peek() == '!')
        refuse("look-behind, which is not supported");
      while (next("'>'") != '>') {
      }
    } else if (!take(':')) {
      refuse("look-ahead or a flag, which are not supported");
    }
  }
  Regex inner = choice();
  if (!take(')'))
    refuse("a '(' without ')'");
  --depth_;
  return inner;
}

}  // namespace

Regex parse_pattern(std::string_view pattern) {
  return PatternParser(pattern).parse();
}

}  // namespace hadal
