// Errors after which CUDA refuses everything to this process.
#pragma once

#include <cuda_runtime_api.h>

namespace hadal::cuda {

// True for errors that a kernel or the hardware caused: the GPU's context is
// gone, and with it all that lies in the GPU's memory (hadal/device_lost.h).
bool is_lost(cudaError_t status);

}  // namespace hadal::cuda
