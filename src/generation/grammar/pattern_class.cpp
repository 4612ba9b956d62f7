// Character by character.
#include "generation/grammar/pattern_class.h"

#include <fmt/format.h>

#include "generation/grammar/text_automaton.h"

namespace hadal {
namespace {

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

char32_t read_hex(PatternCursor& at, int digits) {
  char32_t value = 0;
  for (int i = 0; i < digits; ++i) {
    int digit = hex_digit(at.next("a hexadecimal digit"));
    if (digit < 0)
      at.refuse("a character that is no hexadecimal digit");
    value = value * 16 + static_cast<char32_t>(digit);
  }
  return value;
}

char32_t read_braced_hex(PatternCursor& at) {
  at.take('{');
  char32_t value = 0;
  while (!at.take('}')) {
    value = value * 16 + read_hex(at, 1);
    if (value > 0x10FFFF)
      at.refuse("a character beyond U+10FFFF");
  }
  return value;
}

}  // namespace

PatternCursor::PatternCursor(std::string_view pattern)
    : characters_(characters_of(pattern)) {}

char32_t PatternCursor::next(const char* expected) {
  if (at_end())
    refuse(fmt::format("the end of the pattern, expected {}", expected));
  return characters_[at_++];
}

void PatternCursor::refuse(const std::string& found) const {
  throw GrammarRefusal{
      fmt::format("at character {} of the pattern: {}", at_, found)};
}

CharSet read_bracket(PatternCursor& at) {
  bool negated = at.take('^');
  if (at.peek() == ']')
    at.refuse("an empty class");
  CharSet set;
  while (!at.take(']')) {
    char32_t first = at.next("']'");
    CharSet part = CharSet::one(first);
    if (first == '\\') {
      first = kNoCharacter;
      part = read_escape(at, true, first);
    }
    if (at.peek() == '-' && at.peek(1) != ']' && first != kNoCharacter) {
      at.take('-');
      char32_t last = at.next("the end of a range");
      if (last == '\\') {
        last = kNoCharacter;
        read_escape(at, true, last);
      }
      if (last == kNoCharacter || last < first)
        at.refuse("a range whose end is not behind its start");
      part = CharSet({{first, last}}).without(CharSet({{0xD800, 0xDFFF}}));
    }
    // The complement of what one dialect includes must leave out what another
    // would: \d is added at its widest to a class that is negated.
    if (negated && part.ranges() == digit_class().ranges() &&
        first == kNoCharacter)
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

CharSet read_escape(PatternCursor& at, bool in_bracket, char32_t& single) {
  char32_t c = at.next("an escape");
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
      if (at.peek() >= '0' && at.peek() <= '9')
        at.refuse("an octal escape");
      single = 0;
      break;
    case 'x':
      single = read_hex(at, 2);
      break;
    case 'u':
      single = at.peek() == '{' ? read_braced_hex(at) : read_hex(at, 4);
      break;
    case 'b':
      if (!in_bracket)
        at.refuse("\\b, which is not supported");
      single = '\b';
      break;
    default:
      if (!is_punctuation(c))
        at.refuse(
            "an escape that is not supported (back-references, \\p, \\B)");
      single = c;
  }
  if (single >= 0xD800 && single <= 0xDFFF)
    at.refuse("a surrogate; write \\u{...} with the whole character");
  return CharSet::one(single);
}

}  // namespace hadal
