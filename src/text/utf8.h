// UTF-8: checking, repairing, and cutting a stream of bytes at whole
// characters. "Invalid" follows the Unicode standard (no overlong forms, no
// surrogates, nothing above U+10FFFF), and each maximal subpart of an
// ill-formed sequence becomes one U+FFFD (Unicode 16, section 3.9, as the
// WHATWG decoder).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace hadal {

inline constexpr std::string_view kReplacementCharacter = "\xEF\xBF\xBD";

struct Utf8Character {
  enum class Status {
    valid,
    invalid,     // `length` bytes form a maximal subpart to be replaced
    incomplete,  // the text ends within a character that may still be valid
  };
  Status status;
  char32_t code_point;  // when valid
  size_t length;        // bytes, 1..4
};

// The character at the start of `text`, which is not empty.
Utf8Character first_character(std::string_view text);

// Bytes of the longest prefix that is valid UTF-8; text.size() when all is.
size_t valid_utf8_prefix(std::string_view text);

inline bool is_valid_utf8(std::string_view text) {
  return valid_utf8_prefix(text) == text.size();
}

// A copy with each invalid or incomplete sequence replaced by U+FFFD.
std::string replace_invalid_utf8(std::string_view text);

// Appends the UTF-8 form of a Unicode scalar value.
void append_utf8(std::string& text, char32_t code_point);

// Cuts a stream of bytes at whole characters. All outputs joined equal
// replace_invalid_utf8 of all inputs joined, however the input was cut.
class Utf8Stream {
 public:
  // Takes bytes, returns the characters that are complete now. A sequence that
  // can no longer become valid is replaced at once; an unfinished one (at most
  // 3 bytes) is held.
  std::string push(std::string_view bytes);

  // The end of the stream: returns U+FFFD for a held tail, else "". The stream
  // is then empty and may be used again.
  std::string finish();

  // Bytes held back, 0..3.
  size_t held_bytes() const { return held_.size(); }

 private:
  std::string held_;
};

}  // namespace hadal
