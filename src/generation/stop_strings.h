// Finds stop strings in text that arrives in pieces.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace hadal {

// Bytes in, bytes out, cut anywhere: the result does not depend on the cuts.
// Text that may be the beginning of a stop string is held back until it is
// known not to be. The string that is complete first wins; of several that end
// together, the longest.
class StopStrings {
 public:
  // No string may be empty.
  explicit StopStrings(std::vector<std::string> strings);

  // Appends to `text` what is certain not to belong to a stop string. Returns
  // the index of the stop string that is complete, or -1; after that the
  // rest of the bytes is ignored.
  int64_t push(std::string_view bytes, std::string& text);
  // Appends what is held back, and starts anew.
  void flush(std::string& text);

 private:
  struct Pattern {
    std::string text;
    std::vector<int64_t> failure;  // Knuth-Morris-Pratt
    int64_t matched = 0;           // bytes at the end of the input
  };
  std::vector<Pattern> patterns_;
  std::string held_;
};

}  // namespace hadal
