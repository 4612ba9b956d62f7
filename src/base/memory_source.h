// Where the arrays come from that kernels read and write: ordinary memory, or a
// device's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

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

  // False: only copy() and kernels may touch the memory.
  virtual bool host_visible() const { return true; }
  // Between this memory, or within it, or from and to ordinary memory. Kernels
  // started before have ended with it, those started later see it. Throws
  // Error(internal) when the device fails.
  virtual void copy(void* to, const void* from, size_t bytes) {
    std::memcpy(to, from, bytes);
  }
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

// A copy of host values in a source's memory, which must outlive it.
template <class T>
class SourcedCopy {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  SourcedCopy() = default;
  // Throws std::bad_alloc.
  SourcedCopy(const std::vector<T>& values, MemorySource& source)
      : source_(&source), size_(values.size()) {
    if (values.empty())
      return;
    data_ = reinterpret_cast<T*>(source.allocate(bytes()));
    if (data_ == nullptr)
      throw std::bad_alloc();
    source.copy(data_, values.data(), bytes());
  }
  ~SourcedCopy() {
    if (data_ != nullptr)
      source_->release(reinterpret_cast<std::byte*>(data_), bytes());
  }
  SourcedCopy(SourcedCopy&& other) noexcept
      : source_(other.source_),
        data_(std::exchange(other.data_, nullptr)),
        size_(std::exchange(other.size_, 0)) {}
  SourcedCopy& operator=(SourcedCopy&& other) noexcept {
    std::swap(source_, other.source_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }

  // Null when there are no values.
  const T* data() const { return data_; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  size_t bytes() const { return size_ * sizeof(T); }

  MemorySource* source_ = nullptr;
  T* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace hadal
