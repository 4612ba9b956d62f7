// Stop strings, one automaton each.
#include "text/stop_scanner.h"

#include <algorithm>
#include <utility>

namespace hadal {
namespace {

// fallback[n]: length of the longest proper prefix of the first n bytes that is
// also their suffix.
std::vector<size_t> fallback_table(std::string_view pattern) {
  std::vector<size_t> table(pattern.size() + 1, 0);
  size_t length = 0;
  for (size_t i = 1; i < pattern.size(); ++i) {
    while (length > 0 && pattern[i] != pattern[length])
      length = table[length];
    if (pattern[i] == pattern[length])
      ++length;
    table[i + 1] = length;
  }
  return table;
}

}  // namespace

StopScanner::StopScanner(std::vector<std::string> stops) {
  for (std::string& stop : stops) {
    std::vector<size_t> table = fallback_table(stop);
    patterns_.push_back({std::move(stop), std::move(table), 0});
  }
}

std::string StopScanner::push(std::string_view text) {
  if (found_)
    return "";
  if (patterns_.empty())
    return std::string(text);
  for (char byte : text) {
    held_ += byte;
    size_t hit = 0;
    for (Pattern& pattern : patterns_) {
      size_t& matched = pattern.matched;
      while (matched > 0 && pattern.text[matched] != byte)
        matched = pattern.fallback[matched];
      if (pattern.text[matched] == byte)
        ++matched;
      if (matched == pattern.text.size()) {
        hit = std::max(hit, matched);
        matched = pattern.fallback[matched];
      }
    }
    if (hit > 0) {
      found_ = true;
      std::string before = held_.substr(0, held_.size() - hit);
      found_text_ = held_.substr(held_.size() - hit);
      held_.clear();
      return before;
    }
  }
  size_t hold = 0;
  for (const Pattern& pattern : patterns_)
    hold = std::max(hold, pattern.matched);
  std::string ready = held_.substr(0, held_.size() - hold);
  held_.erase(0, held_.size() - hold);
  return ready;
}

std::string StopScanner::flush() {
  for (Pattern& pattern : patterns_)
    pattern.matched = 0;
  return std::exchange(held_, "");
}

}  // namespace hadal
