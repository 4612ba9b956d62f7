// Memory that host and GPU both see under one address.
#pragma once

#include "base/memory_source.h"

namespace hadal::cuda {

// Pages move to whoever touches them. The host may touch them only while no
// kernel runs.
MemorySource& managed_memory();

}  // namespace hadal::cuda
