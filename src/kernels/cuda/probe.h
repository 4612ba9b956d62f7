// Do the kernels of this build exist for the GPU?
#pragma once

#include <cuda_runtime_api.h>

namespace hadal::cuda {

// Makes the GPU's context and looks for a kernel: cudaSuccess, or why there is
// none (cudaErrorNoKernelImageForDevice, cudaErrorMemoryAllocation, ...). The
// error is forgotten.
cudaError_t find_kernel_image();

}  // namespace hadal::cuda
