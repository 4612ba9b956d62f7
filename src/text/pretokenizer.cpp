// The three Split patterns as one scanner. The first pattern takes up to three
// numbers; the second separates stretches of CJK from stretches without; the
// third works within such a stretch and must not see beyond it. Its rules, of
// which the first that applies wins:
//
//   1. An ASCII punctuation character before an ASCII letter: both, and all
//   ASCII
//      letters that follow.
//   2. A run of letters, with at most one character before it that is neither
//      CR, LF nor punctuation.
//   3. A run of punctuation, with at most one space before it, and all CR and
//   LF
//      after it.
//   4. White space: up to the last CR or LF of the run, if it has one; else the
//      whole run if the stretch ends there; else all but its last character,
//      though at least one.
//   5. What no rule takes stays together until a rule applies.
#include "text/pretokenizer.h"

#include <cstdint>

#include "text/unicode_classes.h"

namespace hadal {
namespace {

struct Character {
  CharacterClass flags;
  size_t length;  // bytes; 0 at the end of the stretch
};

// Decodes valid UTF-8.
Character character_at(const uint8_t* at) {
  uint8_t lead = at[0];
  if (lead < 0x80)
    return {class_of(lead), 1};
  auto tail = [&](int i) { return static_cast<char32_t>(at[i] & 0x3F); };
  if (lead < 0xE0)
    return {class_of((lead & 0x1Fu) << 6 | tail(1)), 2};
  if (lead < 0xF0)
    return {class_of((lead & 0xFu) << 12 | tail(1) << 6 | tail(2)), 3};
  return {
      class_of((lead & 7u) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3)), 4};
}

const uint8_t* skip_ascii_letters(const uint8_t* at, const uint8_t* end) {
  while (at < end && *at < 0x80 && (class_of(*at) & kAsciiLetter))
    ++at;
  return at;
}

// A stretch between two cuts of the first two patterns, cut off where it is
// first looked beyond.
class Stretch {
 public:
  Stretch(const uint8_t* end, bool cjk) : end_(end), cjk_(cjk) {}

  // The character at a place of the stretch, or {0, 0} at its end.
  Character at(const uint8_t* place) const {
    if (place == end_)
      return {0, 0};
    Character character = character_at(place);
    bool outside =
        (character.flags & kNumber) || ((character.flags & kCjk) != 0) != cjk_;
    return outside ? Character{0, 0} : character;
  }

  // The end of the run of characters that have one of the flags.
  const uint8_t* skip(const uint8_t* place, CharacterClass flags) const {
    for (;;) {
      if (flags == kLetter && !cjk_)
        place = skip_ascii_letters(place, end_);
      Character next = at(place);
      if (!(next.flags & flags))
        return place;
      place += next.length;
    }
  }

  // Rule 4: white space from `begin` on.
  const uint8_t* white_space(const uint8_t* begin) const {
    const uint8_t* place = begin;
    const uint8_t* last = begin;         // the last character of the run
    const uint8_t* last_line = nullptr;  // the end of its last CR or LF
    Character next = at(place);
    while (next.flags & kSpace) {
      last = place;
      place += next.length;
      if (next.flags & kNewline)
        last_line = place;
      next = at(place);
    }
    if (last_line)
      return last_line;
    // One space is left for the word that follows.
    bool at_end = next.length == 0;
    return at_end || last == begin ? place : last;
  }

  // Rule 5: characters that no rule takes, up to the next that one does.
  const uint8_t* unmatched(const uint8_t* place) const {
    Character next = at(place);
    for (;;) {
      place += next.length;
      next = at(place);
      bool classless =
          next.length > 0 && !(next.flags & (kLetter | kPunctuation | kSpace));
      if (!classless || (at(place + next.length).flags & kLetter))
        return place;
    }
  }

 private:
  const uint8_t* end_;
  bool cjk_;
};

const uint8_t* skip_numbers(const uint8_t* at, const uint8_t* end) {
  for (int count = 0; count < 3 && at < end; ++count) {
    Character next = character_at(at);
    if (!(next.flags & kNumber))
      break;
    at += next.length;
  }
  return at;
}

// The end of the piece of the third pattern; the rules in its order.
const uint8_t* third_pattern(const uint8_t* begin, const Stretch& stretch) {
  Character first = stretch.at(begin);
  const uint8_t* after = begin + first.length;
  Character second = stretch.at(after);

  if ((first.flags & kAsciiPunctuation) && (second.flags & kAsciiLetter))
    return stretch.skip(after, kAsciiLetter);

  if (first.flags & kLetter)
    return stretch.skip(after, kLetter);
  if (!(first.flags & (kNewline | kPunctuation)) && (second.flags & kLetter))
    return stretch.skip(after, kLetter);

  if (first.flags & kPunctuation)
    return stretch.skip(stretch.skip(after, kPunctuation), kNewline);
  if (*begin == ' ' && (second.flags & kPunctuation))
    return stretch.skip(stretch.skip(after, kPunctuation), kNewline);

  if (first.flags & kSpace)
    return stretch.white_space(begin);
  return stretch.unmatched(begin);
}

}  // namespace

size_t first_piece(std::string_view text) {
  const auto* begin = reinterpret_cast<const uint8_t*>(text.data());
  const uint8_t* end = begin + text.size();
  Character first = character_at(begin);
  if (first.flags & kNumber)
    return static_cast<size_t>(skip_numbers(begin, end) - begin);

  Stretch stretch(end, (first.flags & kCjk) != 0);
  return static_cast<size_t>(third_pattern(begin, stretch) - begin);
}

}  // namespace hadal
