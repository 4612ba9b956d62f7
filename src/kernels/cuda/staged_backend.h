// The CUDA kernels as a backend of host arrays.
#pragma once

#include "kernels/backend.h"

namespace hadal {

// Every call copies its arrays to the device, runs the kernel and copies the
// outputs back: slow, and meant for the tests and for doctor, which walk over
// backends of host arrays. Throws Error(unsupported) when there is no GPU that
// these kernels can run on.
const Backend& staged_cuda_backend();

}  // namespace hadal
