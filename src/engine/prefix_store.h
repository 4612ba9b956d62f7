// Saved prefixes that outlive the process.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cache/cache_layout.h"
#include "cache/page_pool.h"
#include "cache/sequence_file.h"

namespace hadal {

struct PrefixStoreStatus {
  int64_t entries = 0;
  int64_t bytes = 0;
  int64_t budget_bytes = 0;
  int64_t queued_writes = 0;
  uint64_t written_bytes = 0;
  uint64_t damaged = 0;  // files that were dropped
};

// Safe to use from any thread.
class PrefixStore {
 public:
  virtual ~PrefixStore() = default;

  // The longest saved sequence whose tokens are a proper prefix of `tokens` and
  // number more than `longer_than`; none when there is none. May read
  // gigabytes: not for the engine's thread. A damaged file is deleted and
  // passed over; never throws for a fault of the store. Throws Error(resource)
  // when the pool has no room for it.
  virtual std::optional<SavedSequence> find(
      std::span<const int32_t> tokens, int64_t longer_than) = 0;
  // Only looks into the index: the length that find would return, or 0.
  virtual int64_t longest(std::span<const int32_t> tokens) = 0;

  // Saves it in the background, sooner or later or never (the queue is full,
  // the prefix is short, known already or supersedes nothing). Returns at once.
  virtual void offer(std::vector<int32_t> tokens, const Snapshot& state) = 0;
  // Returns when what was offered is on the disk or dropped.
  virtual void flush() = 0;

  virtual PrefixStoreStatus status() const = 0;
};

}  // namespace hadal
