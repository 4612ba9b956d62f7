// How much cache memory a sequence needs: what admission, growth and refusals
// are computed with.
#pragma once

#include <cstdint>
#include <memory>

#include "cache/cache_layout.h"

namespace hadal {

class CachePlan {
 public:
  CachePlan(std::shared_ptr<const CacheLayout> layout, int64_t budget_bytes);

  int64_t budget_bytes() const { return budget_bytes_; }

  // Of a sequence of `tokens` tokens that shares nothing, the page that a
  // snapshot makes it copy included.
  int64_t sequence_bytes(int64_t tokens) const;
  // The most that a sequence allocates while it grows from one length to
  // another; a sequence of no tokens has no rings yet.
  int64_t growth_bytes(int64_t from, int64_t to) const;
  // The most that a snapshot allocates (rings; pages are shared).
  int64_t snapshot_bytes() const { return ring_bytes_; }
  // The most that a sequence restored from a snapshot allocates at once.
  int64_t restore_bytes() const { return ring_bytes_; }
  // Pages of a sequence of so many tokens, which a snapshot of it shares.
  int64_t shared_bytes(int64_t tokens) const;

  // The longest sequence, up to `most` tokens, that fits in the budget alone.
  int64_t fitting_tokens(int64_t most) const;

 private:
  std::shared_ptr<const CacheLayout> layout_;
  int64_t budget_bytes_;
  int64_t ring_bytes_;
  int64_t copied_page_bytes_;  // one page of every compressor
};

// The budget when none is given: half of what is free, which leaves room for
// scratch memory and for the weights in the page cache.
int64_t default_cache_budget(int64_t available_bytes);

}  // namespace hadal
