// Uneven pieces of work over a thread team.
#pragma once

#include <atomic>
#include <cstdint>

#include "base/thread_team.h"

namespace hadal {

// Calls body(item) once for every item in [0, items). Each member takes the
// next item when it is free, so the split differs from run to run: an item's
// result must depend on the item alone.
template <class Body>
void for_each_item(ThreadTeam& team, int64_t items, const Body& body) {
  std::atomic<int64_t> next{0};
  team.parallel_for(
      items < team.size() ? items : team.size(),
      1,
      [&](int64_t /*begin*/, int64_t /*end*/, int /*member*/) {
        for (int64_t item = next.fetch_add(1, std::memory_order_relaxed);
             item < items;
             item = next.fetch_add(1, std::memory_order_relaxed))
          body(item);
      });
}

}  // namespace hadal
