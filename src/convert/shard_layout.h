// Which file every planned tensor goes to, and where in it. Internal to this
// folder.
#pragma once

#include "convert/plan.h"

namespace hadal {

// Fills shards, bytes and every part's place. Modules keep their order; a shard
// is closed before the module that would make it larger than `shard_bytes`, so
// a module is never torn apart and a larger one has a shard of its own. Within
// a shard the widest elements come first: every tensor is aligned.
void lay_out_shards(uint64_t shard_bytes, ConvertPlan& plan);

}  // namespace hadal
