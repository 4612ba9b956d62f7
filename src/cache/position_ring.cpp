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
  // Slots that hold nothing stay as they are: nobody reads them.
  for (int64_t p = begin_; p < end_; ++p) {
    const int64_t offset = p % capacity_ * row_bytes_;
    std::memcpy(
        fresh.data() + offset,
        block_.data() + offset,
        static_cast<size_t>(row_bytes_));
  }
  block_ = std::move(fresh);
}

void PositionRing::store(
    int64_t first, int64_t count, const std::byte* rows, int64_t stride) {
  HADAL_CHECK(first >= begin_ && first <= end_ && count >= 0);
  HADAL_CHECK(count == 0 || block_.unique());
  for (int64_t i = std::max<int64_t>(0, count - capacity_); i < count; ++i) {
    std::memcpy(
        block_.data() + (first + i) % capacity_ * row_bytes_,
        rows + i * stride,
        static_cast<size_t>(row_bytes_));
  }
  end_ = first + count;
  begin_ = std::max(begin_, end_ - capacity_);
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
  for (int64_t p = first; p < end_; ++p)
    result.store(p, 1, row(p), row_bytes_);
  return result;
}

void PositionRing::start_at(int64_t first) {
  begin_ = first;
  end_ = first;
}

}  // namespace hadal
