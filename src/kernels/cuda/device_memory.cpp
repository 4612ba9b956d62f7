#include "kernels/cuda/device_memory.h"

#include <cstring>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/cuda/launch.h"

namespace hadal::cuda {
namespace {

constexpr size_t kAlignment = 256;
constexpr size_t kSmall = size_t{1} << 20;  // blocks below come out of pieces
constexpr size_t kPiece = size_t{32} << 20;
constexpr size_t kBounce = size_t{64} << 20;  // most that is read at once

class DeviceMemory : public MemorySource {
 public:
  std::byte* allocate(size_t bytes) noexcept override {
    const size_t size = rounded(bytes);
    if (size >= kSmall)
      return take_from_device(size);
    const std::lock_guard lock(mutex_);
    try {
      Blocks& blocks = sizes_[size];
      if (!blocks.free.empty()) {
        std::byte* const block = blocks.free.back();
        blocks.free.pop_back();
        return block;
      }
      // Room for it when it comes back, so that release() cannot fail.
      blocks.free.reserve(blocks.made + 1);
      std::byte* const block = carve(size);
      blocks.made += block != nullptr ? 1 : 0;
      return block;
    } catch (const std::bad_alloc&) {
      return nullptr;
    }
  }

  void release(std::byte* data, size_t bytes) noexcept override {
    const size_t size = rounded(bytes);
    if (size >= kSmall)
      return free_later(data);
    const std::lock_guard lock(mutex_);
    sizes_[size].free.push_back(data);
  }

  bool host_visible() const override { return false; }

  void copy(void* to, const void* from, size_t bytes) override {
    if (bytes <= kBounce && is_host(to) && !is_host(from))
      return read(to, from, bytes);
    check(
        cudaMemcpyAsync(to, from, bytes, cudaMemcpyDefault, stream()),
        "copying to or from the device");
    if (is_host(to) || is_host(from))
      check(cudaStreamSynchronize(stream()), "copying to or from the device");
  }

 private:
  // Through pinned memory, which the device writes at the link's speed: a
  // step's logits are waited for.
  void read(void* to, const void* from, size_t bytes) {
    const std::lock_guard lock(read_mutex_);
    if (bounce_ == nullptr)
      check(
          cudaHostAlloc(&bounce_, kBounce, cudaHostAllocDefault),
          "allocating pinned memory");
    check(
        cudaMemcpyAsync(bounce_, from, bytes, cudaMemcpyDeviceToHost, stream()),
        "copying from the device");
    check(cudaStreamSynchronize(stream()), "copying from the device");
    std::memcpy(to, bounce_, bytes);
  }

  struct Blocks {
    std::vector<std::byte*> free;
    size_t made = 0;
  };

  static size_t rounded(size_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
  }
  static bool is_host(const void* data) {
    cudaPointerAttributes attributes;
    check(cudaPointerGetAttributes(&attributes, data), "looking at a pointer");
    return attributes.type != cudaMemoryTypeDevice;
  }
  static std::byte* take_from_device(size_t bytes) noexcept {
    void* data = nullptr;
    if (cudaMalloc(&data, bytes) != cudaSuccess) {
      cudaGetLastError();  // forget it: the caller reports
      return nullptr;
    }
    return static_cast<std::byte*>(data);
  }
  std::byte* carve(size_t size) noexcept {
    if (left_ < size) {
      piece_ = take_from_device(kPiece);
      left_ = piece_ == nullptr ? 0 : kPiece;
      if (piece_ == nullptr)
        return nullptr;
    }
    left_ -= size;
    return piece_ + left_;
  }

  std::mutex read_mutex_;
  void* bounce_ = nullptr;  // until the process ends

  std::mutex mutex_;
  std::unordered_map<size_t, Blocks> sizes_;
  std::byte* piece_ = nullptr;
  size_t left_ = 0;  // bytes of the piece, from its beginning
};

}  // namespace

MemorySource& device_memory() {
  static DeviceMemory source;
  return source;
}

}  // namespace hadal::cuda
