// Every code point of the compiled table against the list it was made from.
#include "text/unicode_classes.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace hadal {
namespace {

constexpr CharacterClass kUnicodeFlags =
    kLetter | kNumber | kPunctuation | kSpace;

// The class of each code point as unicode16_classes.txt states it.
std::vector<CharacterClass> listed_classes() {
  std::ifstream file(HADAL_SOURCE_DIR
                     "/tests/data/tokenizer/unicode16_classes.txt");
  std::vector<CharacterClass> classes(0x110000);
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with('#'))
      continue;
    std::istringstream fields(line);
    size_t first, last;
    char name;
    fields >> std::hex >> first >> last >> name;
    CharacterClass flag = name == 'L'   ? kLetter
                          : name == 'N' ? kNumber
                          : name == 'P' ? kPunctuation
                                        : kSpace;
    for (size_t c = first; c <= last; ++c)
      classes[c] = flag;
  }
  return classes;
}

TEST(UnicodeClasses, EveryCodePoint) {
  std::vector<CharacterClass> listed = listed_classes();
  ASSERT_EQ(listed['a'], kLetter);
  for (char32_t c = 0; c < 0x110000; ++c) {
    ASSERT_EQ(class_of(c) & kUnicodeFlags, listed[c]) << std::hex << +c;
    bool cjk = (c >= 0x4E00 && c <= 0x9FA5) || (c >= 0x3040 && c <= 0x30FF);
    ASSERT_EQ((class_of(c) & kCjk) != 0, cjk) << std::hex << +c;
  }
}

TEST(UnicodeClasses, AsciiFlags) {
  std::string punctuation = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";
  ASSERT_EQ(punctuation.size(), 32u);
  for (char32_t c = 0; c < 0x110000; ++c) {
    bool letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    bool mark =
        c < 128 && punctuation.find(static_cast<char>(c)) != std::string::npos;
    ASSERT_EQ((class_of(c) & kAsciiLetter) != 0, letter) << +c;
    ASSERT_EQ((class_of(c) & kAsciiPunctuation) != 0, mark) << +c;
    ASSERT_EQ((class_of(c) & kNewline) != 0, c == '\n' || c == '\r') << +c;
  }
}

}  // namespace
}  // namespace hadal
