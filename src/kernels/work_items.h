// Uneven pieces of work over a thread team.
#pragma once

#include <cstdint>

#include "base/thread_team.h"

namespace hadal {

// Calls body(item) once for every item in [0, items). Each member takes the
// next item when it is free, so the split differs from run to run: an item's
// result must depend on the item alone.
template <class Body>
void for_each_item(ThreadTeam& team, int64_t items, const Body& body) {
  team.for_each(items, [&](int64_t item, int /*member*/) { body(item); });
}

}  // namespace hadal
