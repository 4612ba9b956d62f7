// Finds stop strings in text that arrives in pieces, and holds back what could
// be the beginning of one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace hadal {

class StopScanner {
 public:
  // The stop strings are not empty, and are valid UTF-8.
  explicit StopScanner(std::vector<std::string> stops);

  // Takes text up to the first stop string and returns what is surely not part
  // of one. The string that ends first counts; of several that end together,
  // the longest. After a hit nothing more is taken.
  std::string push(std::string_view text);
  bool found() const { return found_; }
  // The stop string that was found; empty before.
  const std::string& found_text() const { return found_text_; }
  // Returns the text held back: no stop string came of it.
  std::string flush();

 private:
  // Knuth, Morris and Pratt: one pattern and how much of it the text matches.
  struct Pattern {
    std::string text;
    std::vector<size_t> fallback;
    size_t matched = 0;
  };

  std::vector<Pattern> patterns_;
  std::string held_;
  bool found_ = false;
  std::string found_text_;
};

}  // namespace hadal
