#include "cache/position_ring.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace hadal {

const std::byte* PositionRing::row(int64_t position) const {
  HADAL_CHECK(position >= begin_ && position < end_);
  return block_.data() + position % capacity_ * row_bytes_;
}

void PositionRing::prepare(PagePool& pool) {
  if (block_.unique() || capacity_ == 0)
    return;
  PageRef fresh = pool.allocate(capacity_ * row_bytes_);
  PositionRing copy(capacity_, row_bytes_);
  copy.block_ = std::move(fresh);
  copy.copy_from(*this, begin_, pool);
  block_ = std::move(copy.block_);
}

// Slots that hold nothing stay as they are: nobody reads them. Pieces end where
// either ring does.
void PositionRing::copy_from(
    const PositionRing& source, int64_t from, PagePool& pool) {
  int64_t p = from;
  while (p < source.end_) {
    const int64_t there = p % source.capacity_;
    const int64_t here = p % capacity_;
    const int64_t count =
        std::min({source.end_ - p, source.capacity_ - there, capacity_ - here});
    pool.memory().copy(
        block_.data() + here * row_bytes_,
        source.block_.data() + there * row_bytes_,
        static_cast<size_t>(count * row_bytes_));
    p += count;
  }
}

RingSlots PositionRing::extend(int64_t first, int64_t count) {
  HADAL_CHECK(first >= begin_ && first <= end_ && count >= 0);
  HADAL_CHECK(count == 0 || block_.unique());
  end_ = first + count;
  begin_ = std::max(begin_, end_ - capacity_);
  return {block_.data(), capacity_, row_bytes_};
}

void PositionRing::store(
    int64_t first, int64_t count, const std::byte* rows, int64_t stride) {
  const RingSlots ring = extend(first, count);
  for (int64_t i = std::max<int64_t>(0, count - capacity_); i < count; ++i) {
    std::memcpy(
        ring.slots + (first + i) % capacity_ * row_bytes_,
        rows + i * stride,
        static_cast<size_t>(row_bytes_));
  }
}

void PositionRing::truncate(int64_t end) {
  end_ = std::min(end_, end);
  begin_ = std::min(begin_, end_);
}

bool PositionRing::holds(int64_t from, int64_t to) const {
  return to <= end_ && (from >= to || from >= begin_);
}

PositionRing PositionRing::resized(
    int64_t capacity, int64_t from, PagePool& pool) const {
  PositionRing result(capacity, row_bytes_);
  const int64_t first =
      std::min(std::max({begin_, from, end_ - capacity}), end_);
  result.start_at(first);
  result.prepare(pool);
  result.extend(first, end_ - first);
  result.copy_from(*this, first, pool);
  return result;
}

void PositionRing::start_at(int64_t first) {
  begin_ = first;
  end_ = first;
}

}  // namespace hadal
