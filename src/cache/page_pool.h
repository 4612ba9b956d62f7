// Memory for caches: blocks that are shared by reference count, recycled, and
// limited by a byte budget.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/memory_source.h"
#include "cache/block_slabs.h"

namespace hadal {

class PagePool;
struct PageBlock;  // of the pool: what it knows of a block

// A share in a block of a pool. Copying shares, destroying the last share
// returns the block. The pool must outlive it. Counting is safe across threads;
// one PageRef is not.
class PageRef {
 public:
  PageRef() = default;
  PageRef(const PageRef& other) noexcept;
  PageRef(PageRef&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)),
        block_(std::exchange(other.block_, nullptr)) {}
  PageRef& operator=(PageRef other) noexcept {
    std::swap(data_, other.data_);
    std::swap(block_, other.block_);
    return *this;
  }
  ~PageRef();

  explicit operator bool() const { return data_ != nullptr; }
  // Aligned to 64 bytes; memory of the pool's source.
  std::byte* data() const { return data_; }
  int64_t bytes() const;
  // False while another PageRef shares the block: then nobody may write.
  bool unique() const;
  // How many PageRefs share the block, this one included.
  int64_t shares() const;

 private:
  friend class PagePool;
  explicit PageRef(PageBlock* block) noexcept;
  std::byte* data_ = nullptr;
  PageBlock* block_ = nullptr;
};

// Shared by all sequences of an executor; safe to use from several threads.
class PagePool {
 public:
  // budget_bytes: the most memory that blocks in use and idle blocks may take
  // together. `memory` must outlive the pool.
  explicit PagePool(int64_t budget_bytes, MemorySource& memory = host_memory());
  ~PagePool();
  PagePool(const PagePool&) = delete;
  PagePool& operator=(const PagePool&) = delete;

  // A block of `bytes` with undefined contents (perhaps another sequence's old
  // rows). Throws Error(resource) when the budget or the machine has no more.
  PageRef allocate(int64_t bytes);

  // Where the blocks lie. Its copy() is the way to read and write them where
  // the host does not see it.
  MemorySource& memory() const { return memory_; }

  // What a block of `bytes` takes of the budget: rounded up, with what the pool
  // notes of it.
  static constexpr int64_t block_bytes(int64_t bytes) {
    return (bytes + 63) / 64 * 64 + 64;
  }

  int64_t budget_bytes() const { return budget_bytes_; }
  int64_t used_bytes() const;  // blocks that somebody holds
  int64_t idle_bytes() const;  // blocks kept for the next allocation
  // Gives idle blocks back to the system.
  void trim();

 private:
  friend class PageRef;
  // The blocks of one size.
  struct Size {
    explicit Size(MemorySource& memory) : slabs(memory) {}
    std::vector<PageBlock*> idle;
    int64_t made = 0;  // blocks of their own, in use or idle
    BlockSlabs slabs;  // of all others
  };
  void release(PageBlock* block) noexcept;
  void trim_locked() noexcept;
  // Null when there is no memory.
  std::byte* make(Size& size, int64_t bytes, BlockSlab*& slab);
  void free_block(Size& size, PageBlock* block) noexcept;

  const int64_t budget_bytes_;
  MemorySource& memory_;
  mutable std::mutex mutex_;
  int64_t used_bytes_ = 0;
  int64_t idle_bytes_ = 0;
  std::unordered_map<int64_t, Size> sizes_;  // by bytes asked for
};

}  // namespace hadal
