// Copies of host arrays in device memory, for calls of CUDA kernels on host
// pointers: the tests' and doctor's way to them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/row_format.h"
#include "kernels/weight_view.h"

namespace hadal::cuda {

// The floats of `rows` rows of `width` that lie `stride` apart.
inline int64_t extent(int64_t rows, int64_t stride, int64_t width) {
  return rows == 0 ? 0 : (rows - 1) * stride + width;
}

// One call's arrays. finish() waits for the kernels and copies the outputs
// back; the memory is freed with the object.
class Stage {
 public:
  // A copy of `count` values; null for a null pointer.
  template <class T>
  T* in(const T* values, int64_t count) {
    return static_cast<T*>(
        copy_in(values, count * static_cast<int64_t>(sizeof(T))));
  }
  // The same, copied back by finish().
  template <class T>
  T* in_out(T* values, int64_t count) {
    T* const device = in(values, count);
    outputs_.push_back(
        {values, device, count * static_cast<int64_t>(sizeof(T))});
    return device;
  }

  WeightView in(const WeightView& view);
  // The first `count` rows.
  PagedRows in(const PagedRows& rows, int64_t count);

  void finish();

 private:
  struct Output {
    void* host;
    const void* device;
    int64_t bytes;
  };
  void* copy_in(const void* from, int64_t bytes);

  std::vector<DeviceBuffer> buffers_;
  std::vector<Output> outputs_;
};

}  // namespace hadal::cuda
