// A frozen copy of a sequence.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>

#include "cache/cache_layout.h"
#include "cache/page_pool.h"
#include "cache/sequence_state.h"

namespace hadal {

// A sequence at one length: compressed rows are shared with it, and of windows
// and histories only what that length needs is kept (spec 4.5). Never changes,
// so threads may share it. Copies are cheap. Made by SequenceCache::snapshot
// and load_sequence.
class Snapshot {
 public:
  Snapshot(
      std::shared_ptr<const CacheLayout> layout,
      std::shared_ptr<PagePool> pool,
      SequenceState state)
      : layout_(std::move(layout)),
        pool_(std::move(pool)),
        state_(std::move(state)) {}

  const CacheLayout& layout() const { return *layout_; }
  const std::shared_ptr<const CacheLayout>& shared_layout() const {
    return layout_;
  }
  const std::shared_ptr<PagePool>& pool() const { return pool_; }
  const SequenceState& state() const { return state_; }

  int64_t length() const { return state_.length; }
  // The shortest length that a sequence made from it can be rewound to.
  int64_t floor() const { return rewind_floor(state_, *layout_); }
  // What it holds alone: rings, not the shared rows.
  int64_t own_bytes() const { return ring_bytes(state_); }

 private:
  std::shared_ptr<const CacheLayout> layout_;
  std::shared_ptr<PagePool> pool_;
  SequenceState state_;
};

}  // namespace hadal
