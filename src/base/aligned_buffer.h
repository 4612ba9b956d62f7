// Uninitialised memory for scratch arrays, aligned for vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <type_traits>

#include "base/huge_memory.h"

namespace hadal {

// Grows, never shrinks, and does not keep its contents when it grows. Arrays of
// a huge page and more lie in huge pages.
template <class T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  AlignedBuffer() = default;
  AlignedBuffer(const AlignedBuffer&) = delete;
  AlignedBuffer& operator=(const AlignedBuffer&) = delete;

  // At least `count` elements; the pointer is aligned to 64 bytes. Throws
  // std::bad_alloc.
  T* reserve(int64_t count) {
    if (count > capacity_) {
      release();
      const size_t bytes =
          (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
      if (bytes >= HugeMemory::kHugePageBytes) {
        large_ = HugeMemory(bytes);
        data_ = reinterpret_cast<T*>(large_.data());
      } else {
        small_.reset(static_cast<T*>(std::aligned_alloc(64, bytes)));
        data_ = small_.get();
      }
      if (data_ == nullptr)
        throw std::bad_alloc();
      capacity_ = count;
    }
    return data_;
  }
  T* data() { return data_; }
  int64_t capacity() const { return capacity_; }

 private:
  struct Free {
    void operator()(T* pointer) const { std::free(pointer); }
  };

  // Before the new memory is there, so that both are never needed at once.
  void release() {
    capacity_ = 0;
    data_ = nullptr;
    small_.reset();
    large_ = HugeMemory();
  }

  std::unique_ptr<T, Free> small_;
  HugeMemory large_;
  T* data_ = nullptr;
  int64_t capacity_ = 0;
};

}  // namespace hadal
