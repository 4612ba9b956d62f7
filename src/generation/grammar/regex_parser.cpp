// Recursive descent over the pattern's characters.
#include "generation/grammar/regex_parser.h"

#include <fmt/format.h>

#include <string>
#include <utility>

#include "text/utf8.h"

namespace hadal {
namespace {

constexpr int kMaxGroups = 64;  // inside each other
constexpr int64_t kMaxCount = 10'000;

bool is_punctuation(char32_t c) {
  return c < 0x80 && c > ' ' &&
         std::string_view("^$\\.*+?()[]{}|/-!\"#%&',:;<=>@_`~")
                 .find(static_cast<char>(c)) != std::string_view::npos;
}

int hex_digit(char32_t c) {
  if (c >= '0' && c <= '9')
    return static_cast<int>(c - '0');
  if (c >= 'a' && c <= 'f')
    return static_cast<int>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F')
    return static_cast<int>(c - 'A') + 10;
  return -1;
}

class PatternParser {
 public:
  explicit PatternParser(std::string_view pattern)
      : characters_(characters_of(pattern)) {}

  Regex parse() {
    Regex regex = choice();
    if (!at_end())
      refuse("a ')' without '('");
    return regex;
  }

 private:
  bool at_end() const { return at_ == characters_.size(); }
  char32_t peek(size_t ahead = 0) const {
    return at_ + ahead < characters_.size() ? characters_[at_ + ahead] : 0;
  }
  bool take(char32_t c) {
    if (at_end() || peek() != c)
      return false;
    ++at_;
    return true;
  }
  char32_t next(const char* what) {
    if (at_end())
      refuse(fmt::format("the end of the pattern, expected {}", what));
    return characters_[at_++];
  }
  [[noreturn]] void refuse(const std::string& found) const {
    throw GrammarRefusal{
        fmt::format("at character {} of the pattern: {}", at_, found)};
  }

  Regex choice();
  Regex sequence();
  Regex repeated(Regex part);
  Regex atom();
  Regex group();
  CharSet bracket();
  // A class escape such as \d, or one character, which `single` then holds.
  CharSet escape(bool in_bracket, char32_t& single);
  char32_t hex(int digits);
  char32_t braced_hex();
  bool counts(int64_t& min, int64_t& max);
  int64_t number();

  std::vector<char32_t> characters_;
  size_t at_ = 0;
  int depth_ = 0;
};

constexpr char32_t kNone = 0x110000;

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
    value = value * 10 + static_cast<int64_t>(characters_[at_++] - '0');
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
  ++at_;
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
      return Regex::set(bracket());
    case '\\': {
      char32_t single = kNone;
      return Regex::set(escape(false, single));
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

CharSet PatternParser::bracket() {
  bool negated = take('^');
  if (peek() == ']')
    refuse("an empty class");
  CharSet set;
  while (!take(']')) {
    char32_t first = next("']'");
    CharSet part = CharSet::one(first);
    if (first == '\\') {
      first = kNone;
      part = escape(true, first);
    }
    if (peek() == '-' && peek(1) != ']' && first != kNone) {
      ++at_;
      char32_t last = next("the end of a range");
      if (last == '\\') {
        last = kNone;
        escape(true, last);
      }
      if (last == kNone || last < first)
        refuse("a range whose end is not behind its start");
      part = CharSet({{first, last}}).without(CharSet({{0xD800, 0xDFFF}}));
    }
    // The complement of what one dialect includes must leave out what another
    // would: \d is added at its widest to a class that is negated.
    if (negated && part.ranges() == digit_class().ranges() && first == kNone)
      part = not_digit_class().complement();
    else if (negated && part.ranges() == word_class().ranges())
      part = not_word_class().complement();
    else if (negated && part.ranges() == space_class().ranges())
      part = not_space_class().complement();
    else if (negated && part.ranges() == not_digit_class().ranges())
      part = digit_class().complement();
    else if (negated && part.ranges() == not_word_class().ranges())
      part = word_class().complement();
    else if (negated && part.ranges() == not_space_class().ranges())
      part = space_class().complement();
    set = set.united(part);
  }
  return negated ? set.complement() : set;
}

CharSet PatternParser::escape(bool in_bracket, char32_t& single) {
  char32_t c = next("an escape");
  switch (c) {
    case 'd':
      return digit_class();
    case 'D':
      return not_digit_class();
    case 'w':
      return word_class();
    case 'W':
      return not_word_class();
    case 's':
      return space_class();
    case 'S':
      return not_space_class();
    case 'n':
      single = '\n';
      break;
    case 'r':
      single = '\r';
      break;
    case 't':
      single = '\t';
      break;
    case 'f':
      single = '\f';
      break;
    case 'v':
      single = '\v';
      break;
    case '0':
      if (peek() >= '0' && peek() <= '9')
        refuse("an octal escape");
      single = 0;
      break;
    case 'x':
      single = hex(2);
      break;
    case 'u':
      single = peek() == '{' ? braced_hex() : hex(4);
      break;
    case 'b':
      if (!in_bracket)
        refuse("\\b, which is not supported");
      single = '\b';
      break;
    default:
      if (!is_punctuation(c))
        refuse("an escape that is not supported (back-references, \\p, \\B)");
      single = c;
  }
  if (single >= 0xD800 && single <= 0xDFFF)
    refuse("a surrogate; write \\u{...} with the whole character");
  return CharSet::one(single);
}

char32_t PatternParser::hex(int digits) {
  char32_t value = 0;
  for (int i = 0; i < digits; ++i) {
    int digit = hex_digit(next("a hexadecimal digit"));
    if (digit < 0)
      refuse("a character that is no hexadecimal digit");
    value = value * 16 + static_cast<char32_t>(digit);
  }
  return value;
}

char32_t PatternParser::braced_hex() {
  ++at_;
  char32_t value = 0;
  while (!take('}')) {
    value = value * 16 + hex(1);
    if (value > 0x10FFFF)
      refuse("a character beyond U+10FFFF");
  }
  return value;
}

}  // namespace

Regex parse_pattern(std::string_view pattern) {
  return PatternParser(pattern).parse();
}

}  // namespace hadal
