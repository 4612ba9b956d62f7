// The classes of code points that the pre-tokenizer tells apart, by Unicode 16
// (spec: the classes L, N, P, W, and the ranges of the second pattern).
#pragma once

#include <array>
#include <cstdint>

namespace hadal {

// A set of the flags below. A code point has at most one of the first four;
// letters include marks, which makes no difference to any piece.
using CharacterClass = uint8_t;

inline constexpr CharacterClass kLetter = 1;        // \p{L} or \p{M}
inline constexpr CharacterClass kNumber = 2;        // \p{N}
inline constexpr CharacterClass kPunctuation = 4;   // \p{P} or \p{S}
inline constexpr CharacterClass kSpace = 8;         // \s, CR and LF included
inline constexpr CharacterClass kCjk = 16;          // the second pattern
inline constexpr CharacterClass kNewline = 32;      // CR, LF
inline constexpr CharacterClass kAsciiLetter = 64;  // A-Z, a-z
inline constexpr CharacterClass kAsciiPunctuation = 128;

// Two stages: pages of 256 code points, of which most are all alike and shared.
struct UnicodeClassTable {
  static constexpr int kPages = 0x1100;
  static constexpr int kMaxDistinctPages = 192;

  std::array<uint8_t, kPages> page_of{};
  std::array<std::array<CharacterClass, 256>, kMaxDistinctPages> pages{};
};

extern const UnicodeClassTable kUnicodeClasses;

// The class of a code point, which is at most U+10FFFF.
inline CharacterClass class_of(char32_t code_point) {
  return kUnicodeClasses
      .pages[kUnicodeClasses.page_of[code_point >> 8]][code_point & 0xFF];
}

}  // namespace hadal
