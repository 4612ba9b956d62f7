#include "kernels/cuda/managed_memory.h"

#include <cuda_runtime_api.h>

namespace hadal::cuda {
namespace {

class ManagedMemory : public MemorySource {
 public:
  // More than the card has free would make pages go back and forth, and has
  // been seen to stop a GPU for good.
  std::byte* allocate(size_t bytes) noexcept override {
    size_t free = 0;
    size_t total = 0;
    void* data = nullptr;
    if (cudaMemGetInfo(&free, &total) != cudaSuccess || bytes > free / 10 * 9 ||
        cudaMallocManaged(&data, bytes) != cudaSuccess) {
      cudaGetLastError();  // forget it: the caller reports
      return nullptr;
    }
    return static_cast<std::byte*>(data);
  }
  void release(std::byte* data, size_t) noexcept override { cudaFree(data); }
};

}  // namespace

MemorySource& managed_memory() {
  static ManagedMemory source;
  return source;
}

}  // namespace hadal::cuda
