// Reading classes and escapes of patterns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "generation/grammar/char_set.h"

namespace hadal {

// A place in a pattern, by characters.
class PatternCursor {
 public:
  explicit PatternCursor(std::string_view pattern);

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
  // The next character; at the end a refusal that says what was expected.
  char32_t next(const char* expected);
  [[noreturn]] void refuse(const std::string& found) const;

 private:
  std::vector<char32_t> characters_;
  size_t at_ = 0;
};

// What `single` holds after an escape of a whole class.
inline constexpr char32_t kNoCharacter = 0x110000;

// Each stands behind the character that begins it, and throws GrammarRefusal.
// "[": a class up to its "]".
CharSet read_bracket(PatternCursor& at);
// "\": a class such as \d, or one character, which `single` then holds.
CharSet read_escape(PatternCursor& at, bool in_bracket, char32_t& single);

}  // namespace hadal
