// Uninitialised memory for scratch arrays, aligned for vectors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>
#include <span>
#include <type_traits>

namespace hadal {

// Grows, never shrinks, and does not keep its contents when it grows.
template <class T>
class AlignedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  // At least `count` elements; the pointer is aligned to 64 bytes.
  T* reserve(int64_t count) {
    if (count > capacity_) {
      const size_t bytes =
          (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
      data_.reset();
      capacity_ = 0;
      data_.reset(static_cast<T*>(std::aligned_alloc(64, bytes)));
      if (!data_)
        throw std::bad_alloc();
      capacity_ = count;
    }
    return data_.get();
  }
  T* data() { return data_.get(); }
  int64_t capacity() const { return capacity_; }

 private:
  struct Free {
    void operator()(T* pointer) const { std::free(pointer); }
  };
  std::unique_ptr<T, Free> data_;
  int64_t capacity_ = 0;
};

}  // namespace hadal
