// The CUDA kernels as the third backend of the native executor.
#pragma once

#include "kernels/backend.h"

namespace hadal {

// Every array of the parameters lies in device memory (device_memory.h) but
// these, which change from pass to pass and are small: positions, token ids,
// rows of the head, tables of pages. Experts and hash tables come by their
// device's arrays (device_experts, device_tid2eid). Between begin() and end()
// nothing waits for a kernel, and passes that repeat run as graphs (launch.h).
const Backend& cuda_backend();

}  // namespace hadal
