#include "kernels/cuda/device.h"

#include <fmt/format.h>

#include <utility>

#include "hadal/device_lost.h"
#include "hadal/error.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/lost_device.h"

namespace hadal::cuda {

void check(cudaError_t status, const char* action) {
  if (status == cudaSuccess)
    return;
  if (is_lost(status))
    throw DeviceLost(fmt::format(
        "the GPU failed while {}: {} ({}); this process cannot use it any "
        "more: restart it (HADAL_CUDA_SYNC=1 names the kernel, --device cpu "
        "does without)",
        action,
        cudaGetErrorString(status),
        cudaGetErrorName(status)));
  throw Error(
      status == cudaErrorMemoryAllocation ? ErrorCode::resource
                                          : ErrorCode::internal,
      fmt::format("CUDA: {}: {}", action, cudaGetErrorString(status)));
}

cudaStream_t stream() {
  static const cudaStream_t kStream = [] {
    cudaStream_t made = nullptr;
    check(
        cudaStreamCreateWithFlags(&made, cudaStreamNonBlocking),
        "making a stream");
    return made;
  }();
  return kStream;
}

DeviceBuffer::~DeviceBuffer() {
  cudaFree(data_);
}

DeviceBuffer::DeviceBuffer(DeviceBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      capacity_(std::exchange(other.capacity_, 0)) {}

void* DeviceBuffer::reserve(int64_t bytes) {
  constexpr int64_t kAlignment = 256;
  bytes = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  if (bytes > capacity_) {
    // Kernels that use the old memory may still run, or not even have begun.
    check(cudaStreamSynchronize(stream()), "waiting before memory grows");
    free_later(std::exchange(data_, nullptr));
    capacity_ = 0;
    check(
        cudaMalloc(&data_, static_cast<size_t>(bytes)),
        "allocating device memory");
    capacity_ = bytes;
  }
  return data_;
}

}  // namespace hadal::cuda
