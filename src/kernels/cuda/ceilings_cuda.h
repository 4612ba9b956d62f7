// What the GPU can do at most: the roofs under which its kernels are judged.
#pragma once

#include <cstdint>

#include "kernels/cuda/device.h"

namespace hadal::cuda {

// Bytes a second that kernels can have of the GPU's memory: the better of
// reading alone and of copying (each byte counts when it is read and when it is
// written). Measured over the same memory as often as is wanted.
class MemoryProbe {
 public:
  // Throws Error(resource) when the GPU has not twice `bytes` left.
  explicit MemoryProbe(int64_t bytes = int64_t{1} << 30);

  double read_rate();  // the best of several passes, some ms
  double copy_rate();

 private:
  int64_t bytes_;
  DeviceBuffer from_;
  DeviceBuffer to_;
};

// bfloat16 multiply-adds of the matrix instructions a second, a multiply-add
// counting two: wgmma where there is one, else mma. Operands stay on the chip.
double matrix_rate();

// Bytes a second from pinned memory of the host, 256 MB at a time.
double host_to_device_rate();

}  // namespace hadal::cuda
