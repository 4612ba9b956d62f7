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
  // the index of the stop string that is complete, or -1; then the rest of the
  // bytes is dropped and push must not be called again. Without `may_stop` a
  // complete string is text like any other.
  int64_t push(std::string_view bytes, std::string& text, bool may_stop = true);
  // Appends what is held back, and starts anew.
  void flush(std::string& text);

 private:
  struct Pattern {
    std::string text;
    // Of each beginning: the longest shorter beginning that it ends with
    // (Knuth-Morris-Pratt).
    std::vector<size_t> fallback;
    size_t matched = 0;  // its bytes that the input ends with
  };
  std::vector<Pattern> patterns_;
  std::string held_;
};

}  // namespace hadal
