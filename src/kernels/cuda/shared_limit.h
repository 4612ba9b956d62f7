// How much shared memory a block can ask for on this card.
#pragma once

#include <cstdint>

#include "kernels/cuda/device.h"

namespace hadal::cuda {

// Dynamic shared memory of a block, a kilobyte less than the card has, for what
// a kernel declares itself: 226 KB on Hopper, 162 on capability 8.0.
inline int64_t shared_limit() {
  static const int64_t limit = [] {
    int device = 0;
    int bytes = 0;
    check(cudaGetDevice(&device), "asking for the device");
    check(
        cudaDeviceGetAttribute(
            &bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device),
        "asking for the size of shared memory");
    return int64_t{bytes} - 1024;
  }();
  return limit;
}

}  // namespace hadal::cuda
