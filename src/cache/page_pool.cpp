#include "cache/page_pool.h"

#include <fmt/format.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "base/check.h"
#include "hadal/error.h"

namespace hadal {
namespace {

// Larger blocks go back to the system, which reclaims them at once; keeping
// every odd size that a snapshot once had would only waste the budget.
constexpr int64_t kMaxRecycledBytes = int64_t{1} << 20;

// Stands in the 64 bytes in front of every block.
struct Header {
  std::atomic<int64_t> shares;
  int64_t bytes;  // as asked for
  PagePool* pool;
};
constexpr size_t kHeaderBytes = 64;
static_assert(sizeof(Header) <= kHeaderBytes);

Header& header(std::byte* data) {
  return *reinterpret_cast<Header*>(data - kHeaderBytes);
}

}  // namespace

PageRef::PageRef(const PageRef& other) noexcept : data_(other.data_) {
  if (data_ != nullptr)
    header(data_).shares.fetch_add(1, std::memory_order_relaxed);
}

PageRef::~PageRef() {
  if (data_ == nullptr)
    return;
  Header& mine = header(data_);
  if (mine.shares.fetch_sub(1, std::memory_order_acq_rel) == 1)
    mine.pool->release(data_);
}

int64_t PageRef::bytes() const {
  return data_ == nullptr ? 0 : header(data_).bytes;
}

bool PageRef::unique() const {
  return data_ != nullptr &&
         header(data_).shares.load(std::memory_order_acquire) == 1;
}

PagePool::PagePool(int64_t budget_bytes) : budget_bytes_(budget_bytes) {}

PagePool::~PagePool() {
  trim();
}

PageRef PagePool::allocate(int64_t bytes) {
  HADAL_CHECK(bytes > 0);
  const std::lock_guard lock(mutex_);
  const int64_t cost = block_bytes(bytes);
  auto& idle = idle_[bytes];
  if (!idle.empty()) {
    std::byte* const data = idle.back();
    idle.pop_back();
    idle_bytes_ -= cost;
    used_bytes_ += cost;
    header(data).shares.store(1, std::memory_order_relaxed);
    return PageRef(data);
  }
  if (used_bytes_ + idle_bytes_ + cost > budget_bytes_)
    trim_locked();
  void* const memory =
      used_bytes_ + cost > budget_bytes_
          ? nullptr
          : std::aligned_alloc(kHeaderBytes, static_cast<size_t>(cost));
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
  new (memory) Header{1, bytes, this};
  return PageRef(static_cast<std::byte*>(memory) + kHeaderBytes);
}

void PagePool::release(std::byte* data) noexcept {
  const std::lock_guard lock(mutex_);
  const int64_t bytes = header(data).bytes;
  used_bytes_ -= block_bytes(bytes);
  if (bytes <= kMaxRecycledBytes) {
    // allocate() made the entry, so only the push may need memory.
    try {
      idle_.find(bytes)->second.push_back(data);
      idle_bytes_ += block_bytes(bytes);
      return;
    } catch (const std::bad_alloc&) {
      // Without memory to remember it, the block is freed like a large one.
    }
  }
  std::free(data - kHeaderBytes);
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
  for (auto& [bytes, blocks] : idle_) {
    for (std::byte* const data : blocks)
      std::free(data - kHeaderBytes);
    blocks.clear();
  }
  idle_bytes_ = 0;
}

}  // namespace hadal
