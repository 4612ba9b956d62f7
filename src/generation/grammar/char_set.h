// Sets of characters: Unicode scalar values, so surrogates are in none of them.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace hadal {

struct CharRange {
  char32_t first = 0;
  char32_t last = 0;  // included
  bool operator==(const CharRange&) const = default;
};

// Stands for the DSML marker token, which no text can spell: the automata treat
// it as a character of its own, and the vocabulary's trie as the byte 0xFF.
inline constexpr char32_t kMarkerCharacter = 0x110000;
inline constexpr uint8_t kMarkerByte = 0xFF;

class CharSet {
 public:
  CharSet() = default;  // empty
  explicit CharSet(std::vector<CharRange> ranges);
  static CharSet one(char32_t character) {
    return CharSet({{character, character}});
  }
  static CharSet all();

  // Sorted, disjoint, not adjacent.
  const std::vector<CharRange>& ranges() const& { return ranges_; }
  std::vector<CharRange> ranges() && { return std::move(ranges_); }
  bool empty() const { return ranges_.empty(); }
  bool contains(char32_t character) const;

  CharSet united(const CharSet& other) const;
  CharSet without(const CharSet& other) const;
  CharSet complement() const { return all().without(*this); }

 private:
  std::vector<CharRange> ranges_;
};

// The classes of patterns, and their negations. Dialects differ beyond ASCII
// (\d is ASCII in ECMA 262 and every decimal digit in Python), so the classes
// hold what all dialects agree on: text that is generated satisfies each.
CharSet digit_class();
CharSet word_class();
CharSet space_class();
CharSet not_digit_class();
CharSet not_word_class();
CharSet not_space_class();
// `.`: no line terminator.
CharSet dot_class();

}  // namespace hadal
