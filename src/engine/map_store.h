// For tests: a store that keeps everything in a map.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "engine/prefix_store.h"

namespace hadal::testing {

class MapStore : public PrefixStore {
 public:
  std::optional<SavedSequence> find(
      std::span<const int32_t> tokens, int64_t longer_than) override {
    const std::lock_guard lock(mutex_);
    const auto at = longest_of(tokens);
    if (at == saved_.end() ||
        static_cast<int64_t>(at->first.size()) <= longer_than)
      return std::nullopt;
    ++found;
    return SavedSequence{at->first, at->second};
  }
  int64_t longest(std::span<const int32_t> tokens) override {
    const std::lock_guard lock(mutex_);
    const auto at = longest_of(tokens);
    return at == saved_.end() ? 0 : static_cast<int64_t>(at->first.size());
  }
  void offer(std::vector<int32_t> tokens, const Snapshot& state) override {
    const std::lock_guard lock(mutex_);
    saved_.insert_or_assign(std::move(tokens), state);
  }
  void flush() override {}
  PrefixStoreStatus status() const override {
    const std::lock_guard lock(mutex_);
    return {.entries = static_cast<int64_t>(saved_.size()), .bytes = 77};
  }
  std::vector<int64_t> lengths() const {
    const std::lock_guard lock(mutex_);
    std::vector<int64_t> result;
    for (const auto& [tokens, state] : saved_)
      result.push_back(static_cast<int64_t>(tokens.size()));
    return result;
  }
  int found = 0;

 private:
  using Saved = std::map<std::vector<int32_t>, Snapshot>;
  Saved::const_iterator longest_of(std::span<const int32_t> tokens) const {
    auto best = saved_.end();
    for (auto at = saved_.begin(); at != saved_.end(); ++at)
      if (at->first.size() < tokens.size() &&
          std::equal(at->first.begin(), at->first.end(), tokens.begin()) &&
          (best == saved_.end() || at->first.size() > best->first.size()))
        best = at;
    return best;
  }
  mutable std::mutex mutex_;
  Saved saved_;
};

}  // namespace hadal::testing
