// Expands the list of class ranges into the two-stage table at compile time.
#include "text/unicode_classes.h"

namespace hadal {
namespace {

struct ClassRange {
  char32_t first;
  char32_t last;
  CharacterClass flags;
};

constexpr ClassRange kRanges[] = {
#include "text/unicode_class_ranges.inc"
};

constexpr ClassRange kAsciiFlags[] = {
    {'\n', '\n', kNewline},
    {'\r', '\r', kNewline},
    {'A', 'Z', kAsciiLetter},
    {'a', 'z', kAsciiLetter},
    {'!', '/', kAsciiPunctuation},
    {':', '@', kAsciiPunctuation},
    {'[', '`', kAsciiPunctuation},
    {'{', '~', kAsciiPunctuation},
};

// Page 0 of the table stays the page without any class. A page that one range
// covers is shared by all such pages with the same flags.
class TableBuilder {
 public:
  constexpr void add(const ClassRange& range) {
    for (char32_t page = range.first >> 8; page <= range.last >> 8; ++page) {
      bool whole = range.first <= page << 8 && range.last >= (page << 8 | 0xFF);
      uint8_t& index = table_.page_of[page];
      if (whole) {
        index = full_page(range.flags);
        continue;
      }
      if (index == 0)
        index = new_page();
      char32_t first = range.first >> 8 == page ? range.first & 0xFF : 0;
      char32_t last = range.last >> 8 == page ? range.last & 0xFF : 0xFF;
      for (char32_t low = first; low <= last; ++low)
        table_.pages[index][low] |= range.flags;
    }
  }

  constexpr const UnicodeClassTable& table() const { return table_; }

 private:
  constexpr uint8_t new_page() { return used_pages_++; }

  constexpr uint8_t full_page(CharacterClass flags) {
    uint8_t& index = full_pages_[flags];
    if (index == 0) {
      index = new_page();
      table_.pages[index].fill(flags);
    }
    return index;
  }

  UnicodeClassTable table_;
  std::array<uint8_t, 256> full_pages_{};
  uint8_t used_pages_ = 1;
};

constexpr UnicodeClassTable make_table() {
  TableBuilder builder;
  for (const ClassRange& range : kRanges)
    builder.add(range);
  for (const ClassRange& range : kAsciiFlags)
    builder.add(range);
  return builder.table();
}

}  // namespace

constexpr UnicodeClassTable kUnicodeClasses = make_table();

static_assert(kUnicodeClasses.pages[0][0] == 0);

}  // namespace hadal
