// The CUDA kernels as the third backend of the native executor.
#pragma once

#include "kernels/backend.h"

namespace hadal {

// Matrices lie in device memory, large arrays in memory that the device sees
// (managed_memory.h). Small tables are the host's, as with the other backends,
// and are copied for each call: norm weights, sinks, frequencies, positions,
// token ids, tables of pages and of experts. Every call waits for its kernels,
// so that the host may read what they wrote.
const Backend& cuda_backend();

}  // namespace hadal
