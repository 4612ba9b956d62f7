#include "generation/stop_strings.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace hadal {

StopStrings::StopStrings(std::vector<std::string> strings) {
  for (std::string& text : strings) {
    HADAL_CHECK(!text.empty());
    Pattern& pattern = patterns_.emplace_back();
    pattern.fallback.assign(text.size() + 1, 0);
    for (size_t i = 1, matched = 0; i < text.size(); ++i) {
      while (matched > 0 && text[i] != text[matched])
        matched = pattern.fallback[matched];
      if (text[i] == text[matched])
        ++matched;
      pattern.fallback[i + 1] = matched;
    }
    pattern.text = std::move(text);
  }
}

int64_t StopStrings::push(
    std::string_view bytes, std::string& text, bool may_stop) {
  for (const char byte : bytes) {
    held_.push_back(byte);
    int64_t stopped = -1;
    for (size_t i = 0; i < patterns_.size(); ++i) {
      Pattern& pattern = patterns_[i];
      size_t& matched = pattern.matched;
      while (matched > 0 && byte != pattern.text[matched])
        matched = pattern.fallback[matched];
      if (byte == pattern.text[matched])
        ++matched;
      if (matched < pattern.text.size())
        continue;
      if (!may_stop) {
        matched = pattern.fallback[matched];
      } else if (
          stopped < 0 ||
          pattern.text.size() >
              patterns_[static_cast<size_t>(stopped)].text.size()) {
        stopped = static_cast<int64_t>(i);
      }
    }
    if (stopped >= 0) {
      const size_t length = patterns_[static_cast<size_t>(stopped)].text.size();
      text.append(held_, 0, held_.size() - length);
      held_.clear();
      return stopped;
    }
  }
  size_t hold = 0;
  for (const Pattern& pattern : patterns_)
    hold = std::max(hold, pattern.matched);
  text.append(held_, 0, held_.size() - hold);
  held_.erase(0, held_.size() - hold);
  return -1;
}

void StopStrings::flush(std::string& text) {
  text += held_;
  held_.clear();
  for (Pattern& pattern : patterns_)
    pattern.matched = 0;
}

}  // namespace hadal
