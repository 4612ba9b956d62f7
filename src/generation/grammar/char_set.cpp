// Sorted lists of ranges.
#include "generation/grammar/char_set.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "text/unicode_classes.h"

namespace hadal {
namespace {

// What may be a digit, a word character or a space somewhere.
CharSet of_class(CharacterClass classes) {
  std::vector<CharRange> ranges;
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    if ((class_of(c) & classes) == 0)
      continue;
    if (!ranges.empty() && ranges.back().last + 1 == c)
      ranges.back().last = c;
    else
      ranges.push_back({c, c});
  }
  return CharSet(std::move(ranges));
}

}  // namespace

CharSet::CharSet(std::vector<CharRange> ranges) {
  std::sort(
      ranges.begin(), ranges.end(), [](const CharRange& a, const CharRange& b) {
        return a.first < b.first;
      });
  for (const CharRange& range : ranges) {
    if (range.last < range.first)
      continue;
    if (!ranges_.empty() && range.first <= ranges_.back().last + 1)
      ranges_.back().last = std::max(ranges_.back().last, range.last);
    else
      ranges_.push_back(range);
  }
}

CharSet CharSet::all() {
  return CharSet({{0, 0xD7FF}, {0xE000, 0x10FFFF}});
}

bool CharSet::contains(char32_t character) const {
  const auto behind = std::upper_bound(
      ranges_.begin(),
      ranges_.end(),
      character,
      [](char32_t c, const CharRange& range) { return c < range.first; });
  return behind != ranges_.begin() && character <= std::prev(behind)->last;
}

CharSet CharSet::united(const CharSet& other) const {
  std::vector<CharRange> ranges = ranges_;
  ranges.insert(ranges.end(), other.ranges_.begin(), other.ranges_.end());
  return CharSet(std::move(ranges));
}

CharSet CharSet::without(const CharSet& other) const {
  CharSet rest;
  auto hole = other.ranges_.begin();
  for (CharRange range : ranges_) {
    while (hole != other.ranges_.end() && hole->last < range.first)
      ++hole;
    bool left = true;
    for (auto cut = hole;
         cut != other.ranges_.end() && cut->first <= range.last;
         ++cut) {
      if (range.first < cut->first)
        rest.ranges_.push_back({range.first, cut->first - 1});
      if (cut->last >= range.last) {
        left = false;
        break;
      }
      range.first = std::max<char32_t>(range.first, cut->last + 1);
    }
    if (left)
      rest.ranges_.push_back(range);
  }
  return rest;
}

CharSet digit_class() {
  return CharSet({{'0', '9'}});
}

CharSet word_class() {
  return CharSet({{'a', 'z'}, {'A', 'Z'}, {'0', '9'}, {'_', '_'}});
}

CharSet space_class() {
  return CharSet({{' ', ' '}, {'\t', '\r'}});
}

CharSet not_digit_class() {
  static const CharSet set = of_class(kNumber).complement();
  return set;
}

CharSet not_word_class() {
  static const CharSet set =
      of_class(kLetter | kNumber).united(word_class()).complement();
  return set;
}

CharSet not_space_class() {
  // Python also counts the separators U+001C to U+001F, ECMA 262 U+FEFF.
  static const CharSet set = of_class(kSpace)
                                 .united(CharSet(
                                     {{'\t', '\r'},
                                      {0x1C, 0x20},
                                      {0x85, 0x85},
                                      {0xA0, 0xA0},
                                      {0x180E, 0x180E},
                                      {0xFEFF, 0xFEFF}}))
                                 .complement();
  return set;
}

CharSet dot_class() {
  static const CharSet set =
      CharSet({{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}}).complement();
  return set;
}

}  // namespace hadal
