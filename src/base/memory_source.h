// Where the arrays come from that kernels read and write: ordinary memory, or
// memory that a device sees, too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <type_traits>

namespace hadal {

// Safe to use from any thread.
class MemorySource {
 public:
  virtual ~MemorySource() = default;
  // Undefined contents, aligned to 64 bytes at least; null when there is no
  // more. `bytes` > 0.
  virtual std::byte* allocate(size_t bytes) noexcept = 0;
  // `bytes` as they were asked for.
  virtual void release(std::byte* data, size_t bytes) noexcept = 0;
};

// Ordinary memory; blocks of a huge page and more lie in huge pages.
MemorySource& host_memory();

// A scratch array of a source, which must outlive it. Grows, never shrinks, and
// does not keep its contents when it grows.
template <class T>
class SourcedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit SourcedBuffer(MemorySource& source) : source_(source) {}
  ~SourcedBuffer() { release(); }
  SourcedBuffer(const SourcedBuffer&) = delete;
  SourcedBuffer& operator=(const SourcedBuffer&) = delete;

  // At least `count` elements. Throws std::bad_alloc.
  T* reserve(int64_t count) {
    if (count <= capacity_)
      return data_;
    release();
    data_ = reinterpret_cast<T*>(source_.allocate(bytes_of(count)));
    if (data_ == nullptr)
      throw std::bad_alloc();
    capacity_ = count;
    return data_;
  }
  T* data() { return data_; }
  int64_t capacity() const { return capacity_; }

 private:
  static size_t bytes_of(int64_t count) {
    return (static_cast<size_t>(count) * sizeof(T) + 63) / 64 * 64;
  }
  // Before new memory is there, so that both are never needed at once.
  void release() {
    if (data_ != nullptr)
      source_.release(reinterpret_cast<std::byte*>(data_), bytes_of(capacity_));
    data_ = nullptr;
    capacity_ = 0;
  }

  MemorySource& source_;
  T* data_ = nullptr;
  int64_t capacity_ = 0;
};

}  // namespace hadal
