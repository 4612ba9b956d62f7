// A sequence together with its tokens and snapshots: can go back anywhere.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cache/sequence_cache.h"

namespace hadal {

struct TimelineOptions {
  // A snapshot is taken where a chunk ends at a multiple; itself a multiple of
  // 128, where the histories are shortest. With Flash a snapshot takes about 4
  // MB.
  int64_t snapshot_tokens = 256;
  // When there are more, some are dropped such that they stand close near the
  // end and far apart in the distant past.
  int64_t max_snapshots = 16;
};

// Owned by one thread.
class Timeline {
 public:
  Timeline(
      std::shared_ptr<const CacheLayout> layout,
      std::shared_ptr<PagePool> pool,
      const TimelineOptions& options = {});
  // Continues a saved sequence; tokens.size() == snapshot.length().
  Timeline(
      std::vector<int32_t> tokens,
      const Snapshot& snapshot,
      const TimelineOptions& options = {});

  SequenceCache& cache() { return cache_; }
  const SequenceCache& cache() const { return cache_; }
  std::span<const int32_t> tokens() const { return tokens_; }
  int64_t length() const { return static_cast<int64_t>(tokens_.size()); }

  // The tokens that the next chunk may have if a snapshot is to fall on its
  // end: as many as `most` allows, at least those to the next one. Chunks that
  // are longer than the distance of snapshots skip those inside them.
  int64_t tokens_until_snapshot(int64_t most = 0) const;

  // The forward pass has advanced the cache by these tokens. Takes a snapshot
  // when one is due; without memory for it, older ones give way.
  void append(std::span<const int32_t> tokens);

  // Goes back to `length` or, where that state is gone, to the nearest earlier
  // one that is left. Returns the length reached, m; the caller feeds its
  // tokens m .. length - 1 again (they are no longer in tokens()). Works for
  // any length up to length(), and after a failed pass: a poisoned cache is
  // replaced. On Error(resource) the timeline is left empty.
  int64_t rewind_to(int64_t length);

  // How many leading tokens are the same here and there.
  int64_t common_prefix(std::span<const int32_t> tokens) const;

  // A second timeline with the same past; shares memory.
  Timeline fork() const;

  // Drops the snapshot that is missed least, to make room when the cache's
  // begin() throws Error(resource). False: none left.
  bool release_snapshot();
  const std::vector<Snapshot>& snapshots() const { return snapshots_; }

 private:
  Timeline(
      SequenceCache cache,
      std::vector<int32_t> tokens,
      std::vector<Snapshot> snapshots,
      const TimelineOptions& options);
  void take_snapshot(int64_t at);

  TimelineOptions options_;
  SequenceCache cache_;
  std::vector<int32_t> tokens_;
  std::vector<Snapshot> snapshots_;  // by increasing length
};

}  // namespace hadal
