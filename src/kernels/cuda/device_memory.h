// The GPU's memory as a source of arrays for caches, scratch and tables.
#pragma once

#include "base/memory_source.h"

namespace hadal::cuda {

// Not visible to the host; copy() is ordered with the kernels of stream(), and
// waits when one side is ordinary memory. Small blocks come out of larger
// pieces, which the process keeps.
MemorySource& device_memory();

}  // namespace hadal::cuda
