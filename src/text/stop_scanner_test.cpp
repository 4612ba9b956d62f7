// Stop strings over any division of the text.
#include "text/stop_scanner.h"

#include <gtest/gtest.h>

namespace hadal {
namespace {

// What comes out for every division into two pieces; must be the same.
std::string scan(
    const std::string& text, const std::vector<std::string>& stops) {
  std::string result;
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    StopScanner scanner(stops);
    std::string out = scanner.push(text.substr(0, cut));
    out += scanner.push(text.substr(cut));
    out += scanner.found() ? "#" : scanner.flush();
    if (cut == 0)
      result = out;
    EXPECT_EQ(out, result) << text << " cut at " << cut;
  }
  return result;
}

TEST(StopScanner, CutsBeforeTheMatch) {
  EXPECT_EQ(scan("hello END more", {"END"}), "hello #");
  EXPECT_EQ(scan("END", {"END"}), "#");
  EXPECT_EQ(scan("no end", {"END"}), "no end");
  EXPECT_EQ(scan("EN", {"END"}), "EN");
  EXPECT_EQ(scan("anything", {}), "anything");
}

TEST(StopScanner, NamesTheStringThatWasFound) {
  StopScanner scanner({"xab", "b", "c"});
  EXPECT_EQ(scanner.push("zx"), "z");
  EXPECT_EQ(scanner.found_text(), "");
  scanner.push("a");
  EXPECT_EQ(scanner.push("bc"), "");
  EXPECT_EQ(scanner.found_text(), "xab");
}

TEST(StopScanner, SelfOverlappingStrings) {
  EXPECT_EQ(scan("aaab", {"aab"}), "a#");
  EXPECT_EQ(scan("ababac", {"abac"}), "ab#");
  EXPECT_EQ(scan("ababab", {"abac"}), "ababab");
}

TEST(StopScanner, TheFirstToEndWins) {
  EXPECT_EQ(scan("xaby", {"xaby", "ab"}), "x#");
  EXPECT_EQ(scan("abc", {"c", "bc"}), "a#");
}

TEST(StopScanner, HoldsBackNoMoreThanNeeded) {
  StopScanner scanner({"abcd", "bcx"});
  EXPECT_EQ(scanner.push("zzabc"), "zz");
  EXPECT_EQ(scanner.push("e"), "abce");
  EXPECT_EQ(scanner.push("ab"), "");
  EXPECT_EQ(scanner.flush(), "ab");
  EXPECT_EQ(scanner.push("cd"), "cd");
}

}  // namespace
}  // namespace hadal
