// The device's side of Start::early (launch.h).
#pragma once

namespace hadal::cuda {

// Returns when all kernels before this one have ended and what they wrote is
// seen.
__device__ inline void wait_for_predecessor() {
#if __CUDA_ARCH__ >= 900
  cudaGridDependencySynchronize();
#endif
}

// The next kernel's blocks may be started when all blocks have called this (or
// have ended). A block that is waiting takes room on a multiprocessor: kernels
// call it when what they still do fits beside that.
__device__ inline void let_successor_start() {
#if __CUDA_ARCH__ >= 900
  cudaTriggerProgrammaticLaunchCompletion();
#endif
}

}  // namespace hadal::cuda
