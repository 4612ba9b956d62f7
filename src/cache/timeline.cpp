#include "cache/timeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "hadal/error.h"

namespace hadal {
namespace {

const TimelineOptions& checked(const TimelineOptions& options) {
  if (options.snapshot_tokens < 128 || options.snapshot_tokens % 128 != 0) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "timeline option snapshot_tokens is {}; expected a positive "
            "multiple of 128",
            options.snapshot_tokens));
  }
  if (options.max_snapshots < 0) {
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "timeline option max_snapshots is {}; expected 0 or more",
            options.max_snapshots));
  }
  return options;
}

}  // namespace

Timeline::Timeline(
    std::shared_ptr<const CacheLayout> layout,
    std::shared_ptr<PagePool> pool,
    const TimelineOptions& options)
    : Timeline(
          SequenceCache(std::move(layout), std::move(pool)), {}, {}, options) {}

Timeline::Timeline(
    std::vector<int32_t> tokens,
    const Snapshot& snapshot,
    const TimelineOptions& options)
    : Timeline(SequenceCache(snapshot), std::move(tokens), {}, options) {
  HADAL_CHECK(length() == snapshot.length());
  if (options_.max_snapshots > 0)
    snapshots_.push_back(snapshot);
}

Timeline::Timeline(
    SequenceCache cache,
    std::vector<int32_t> tokens,
    std::vector<Snapshot> snapshots,
    const TimelineOptions& options)
    : options_(checked(options)),
      cache_(std::move(cache)),
      tokens_(std::move(tokens)),
      snapshots_(std::move(snapshots)) {}

Timeline Timeline::fork() const {
  return Timeline(cache_.fork(), tokens_, snapshots_, options_);
}

int64_t Timeline::tokens_until_snapshot(int64_t most) const {
  const int64_t distance = options_.snapshot_tokens;
  const int64_t next = distance - length() % distance;
  return next + std::max<int64_t>(0, most - next) / distance * distance;
}

void Timeline::append(std::span<const int32_t> tokens) {
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  HADAL_CHECK(cache_.length() == length());
  const int64_t due = length() - length() % options_.snapshot_tokens;
  const int64_t last = snapshots_.empty() ? 0 : snapshots_.back().length();
  if (due > last && due >= cache_.rewind_floor())
    take_snapshot(due);
}

void Timeline::take_snapshot(int64_t at) {
  if (options_.max_snapshots == 0)
    return;
  while (static_cast<int64_t>(snapshots_.size()) >= options_.max_snapshots)
    release_snapshot();
  do {
    try {
      snapshots_.push_back(cache_.snapshot(at));
      return;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::resource)
        throw;
    }
  } while (release_snapshot());
  // Not even one fits: going back will cost a longer replay, nothing else.
}

bool Timeline::release_snapshot() {
  if (snapshots_.empty())
    return false;
  // Dropping snapshot i lengthens the replay of what follows it by the distance
  // to its neighbour. The older that part, the less likely is its replay.
  size_t least = 0;
  double least_cost = 0;
  for (size_t i = 0; i < snapshots_.size(); ++i) {
    const bool newest = i + 1 == snapshots_.size();
    if (newest && i > 0)
      break;
    const int64_t before = i == 0 ? 0 : snapshots_[i - 1].length();
    const int64_t after = newest ? length() : snapshots_[i + 1].length();
    const double cost =
        static_cast<double>(after - before) /
        static_cast<double>(length() - after + options_.snapshot_tokens);
    if (i == 0 || cost < least_cost) {
      least = i;
      least_cost = cost;
    }
  }
  snapshots_.erase(snapshots_.begin() + static_cast<std::ptrdiff_t>(least));
  return true;
}

int64_t Timeline::rewind_to(int64_t target) {
  HADAL_CHECK(target >= 0 && target <= length());
  while (!snapshots_.empty() && snapshots_.back().length() > target)
    snapshots_.pop_back();
  if (!cache_.abandon() || !cache_.rewind(target)) {
    // Emptied first, so that its memory serves the new rings.
    cache_.reset();
    const std::vector<int32_t> tokens = std::exchange(tokens_, {});
    if (!snapshots_.empty())
      cache_ = SequenceCache(snapshots_.back());
    tokens_.assign(tokens.begin(), tokens.begin() + cache_.length());
  }
  tokens_.resize(static_cast<size_t>(cache_.length()));
  return cache_.length();
}

int64_t Timeline::common_prefix(std::span<const int32_t> tokens) const {
  const auto difference = std::mismatch(
      tokens_.begin(), tokens_.end(), tokens.begin(), tokens.end());
  return difference.first - tokens_.begin();
}

}  // namespace hadal
