// What the CUDA kernels' launchers share: errors, the stream, device memory.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

namespace hadal::cuda {

// Throws Error(resource) for lack of device memory, DeviceLost when the GPU
// failed for good, else Error(internal), with what was being done ("running
// kernels") and CUDA's own words.
void check(cudaError_t status, const char* action);

// The stream that kernels are launched in. One for the process so far.
cudaStream_t stream();

// Device memory that grows when it must and is freed at the end. What it held
// is lost when it grows.
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  ~DeviceBuffer();
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;
  DeviceBuffer(DeviceBuffer&& other) noexcept;

  // At least `bytes`, aligned to 256 and up to a multiple of that: kernels read
  // whole words of 16 bytes, of which an array may end in the middle.
  void* reserve(int64_t bytes);
  template <class T>
  T* reserve_array(int64_t count) {
    return static_cast<T*>(reserve(count * static_cast<int64_t>(sizeof(T))));
  }

 private:
  void* data_ = nullptr;
  int64_t capacity_ = 0;
};

// Blocks of `block` that hold `count`.
constexpr unsigned blocks(int64_t count, int64_t block) {
  return static_cast<unsigned>((count + block - 1) / block);
}

}  // namespace hadal::cuda
