#include "cache/page_pool.h"

#include <fmt/format.h>

#include <atomic>
#include <new>

#include "base/check.h"
#include "hadal/error.h"

namespace hadal {
namespace {

// Larger blocks go back to the system, which reclaims them at once; keeping
// every odd size that a snapshot once had would only waste the budget.
constexpr int64_t kMaxRecycledBytes = int64_t{1} << 20;

// Of a size that comes often, further blocks lie in slabs of huge pages: a long
// context is read much faster from there. Not so the first ones: every slab
// takes 2 MB, and there are many odd sizes.
constexpr int64_t kBlocksBeforeSlabs = 32;
constexpr int64_t kMaxSlabBlockBytes = int64_t{256} << 10;

constexpr int64_t rounded(int64_t bytes) {
  return (bytes + 63) / 64 * 64;
}

}  // namespace

// Apart from the block itself, which the host may be unable to see.
struct PageBlock {
  std::byte* data;
  std::atomic<int64_t> shares;
  int64_t bytes;  // as asked for
  PagePool* pool;
  BlockSlab* slab;  // null: a block of its own
};

PageRef::PageRef(PageBlock* block) noexcept
    : data_(block->data), block_(block) {}

PageRef::PageRef(const PageRef& other) noexcept
    : data_(other.data_), block_(other.block_) {
  if (block_ != nullptr)
    block_->shares.fetch_add(1, std::memory_order_relaxed);
}

PageRef::~PageRef() {
  if (block_ != nullptr &&
      block_->shares.fetch_sub(1, std::memory_order_acq_rel) == 1)
    block_->pool->release(block_);
}

int64_t PageRef::bytes() const {
  return block_ == nullptr ? 0 : block_->bytes;
}

int64_t PageRef::shares() const {
  return block_ == nullptr ? 0 : block_->shares.load(std::memory_order_acquire);
}

bool PageRef::unique() const {
  return block_ != nullptr &&
         block_->shares.load(std::memory_order_acquire) == 1;
}

PagePool::PagePool(int64_t budget_bytes, MemorySource& memory)
    : budget_bytes_(budget_bytes), memory_(memory) {}

PagePool::~PagePool() {
  trim();
}

PageRef PagePool::allocate(int64_t bytes) {
  HADAL_CHECK(bytes > 0);
  const std::lock_guard lock(mutex_);
  const int64_t cost = block_bytes(bytes);
  Size& size = sizes_.try_emplace(bytes, memory_).first->second;
  if (!size.idle.empty()) {
    PageBlock* const block = size.idle.back();
    size.idle.pop_back();
    idle_bytes_ -= cost;
    used_bytes_ += cost;
    block->shares.store(1, std::memory_order_relaxed);
    return PageRef(block);
  }
  if (used_bytes_ + idle_bytes_ + cost > budget_bytes_)
    trim_locked();
  auto block = std::make_unique<PageBlock>();
  BlockSlab* slab = nullptr;
  std::byte* const memory = used_bytes_ + cost > budget_bytes_
                                ? nullptr
                                : make(size, rounded(bytes), slab);
  if (memory == nullptr) {
    throw Error(
        ErrorCode::resource,
        fmt::format(
            "the memory for caches is full: {} of {} bytes are in use and {} "
            "more are needed; end other sequences, use a shorter context or "
            "raise the limit",
            used_bytes_,
            budget_bytes_,
            cost));
  }
  used_bytes_ += cost;
  block->data = memory;
  block->shares.store(1, std::memory_order_relaxed);
  block->bytes = bytes;
  block->pool = this;
  block->slab = slab;
  return PageRef(block.release());
}

std::byte* PagePool::make(Size& size, int64_t bytes, BlockSlab*& slab) {
  if (size.made < kBlocksBeforeSlabs || bytes > kMaxSlabBlockBytes) {
    std::byte* const memory = memory_.allocate(static_cast<size_t>(bytes));
    size.made += memory != nullptr ? 1 : 0;
    return memory;
  }
  try {
    return size.slabs.take(bytes, slab);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void PagePool::free_block(Size& size, PageBlock* block) noexcept {
  if (block->slab != nullptr) {
    size.slabs.give(block->data, block->slab);
  } else {
    --size.made;
    memory_.release(block->data, static_cast<size_t>(rounded(block->bytes)));
  }
  delete block;
}

void PagePool::release(PageBlock* block) noexcept {
  const std::lock_guard lock(mutex_);
  const int64_t bytes = block->bytes;
  used_bytes_ -= block_bytes(bytes);
  // allocate() made the entry, so only the push may need memory.
  Size& size = sizes_.find(bytes)->second;
  if (bytes <= kMaxRecycledBytes) {
    try {
      size.idle.push_back(block);
      idle_bytes_ += block_bytes(bytes);
      return;
    } catch (const std::bad_alloc&) {
      // Without memory to remember it, the block is freed like a large one.
    }
  }
  free_block(size, block);
}

int64_t PagePool::used_bytes() const {
  const std::lock_guard lock(mutex_);
  return used_bytes_;
}

int64_t PagePool::idle_bytes() const {
  const std::lock_guard lock(mutex_);
  return idle_bytes_;
}

void PagePool::trim() {
  const std::lock_guard lock(mutex_);
  trim_locked();
}

void PagePool::trim_locked() noexcept {
  for (auto& [bytes, size] : sizes_) {
    for (PageBlock* const block : size.idle)
      free_block(size, block);
    size.idle.clear();
  }
  idle_bytes_ = 0;
}

}  // namespace hadal
