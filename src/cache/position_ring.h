// Rows of the latest positions of a sequence.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cache/page_pool.h"
#include "kernels/store_rows/store_rows_params.h"

namespace hadal {

// Position p lies in slot p mod capacity. The ring knows which positions it
// holds, so that nobody reads what was overwritten. Copies share the memory
// until one of them is prepared for writing.
class PositionRing {
 public:
  PositionRing() = default;
  PositionRing(int64_t capacity, int64_t row_bytes)
      : capacity_(capacity), row_bytes_(row_bytes) {}

  int64_t capacity() const { return capacity_; }
  int64_t row_bytes() const { return row_bytes_; }
  // Rows of positions [begin, end) are held.
  int64_t begin() const { return begin_; }
  int64_t end() const { return end_; }
  // [capacity] rows, null before the first prepare().
  const std::byte* data() const { return block_.data(); }
  // Of a held position.
  const std::byte* row(int64_t position) const;

  // Makes the memory exist and belong to this ring alone, so that store()
  // cannot fail. Throws Error(resource) and changes nothing.
  void prepare(PagePool& pool);

  // Rows of positions [first, first + count) are held from now on, of which the
  // last `capacity`, and the caller writes them into the slots. first lies in
  // [begin, end], anything held from it on is replaced. Needs prepare().
  RingSlots extend(int64_t first, int64_t count);
  // extend() with the rows, where the host sees the memory; `stride` is in
  // bytes.
  void store(
      int64_t first, int64_t count, const std::byte* rows, int64_t stride);

  // Forgets the rows from `end` on.
  void truncate(int64_t end);

  // Can a state that needs rows [from, to) be cut from this ring?
  bool holds(int64_t from, int64_t to) const;

  // The held rows from position `from` on, in a ring of another capacity.
  PositionRing resized(int64_t capacity, int64_t from, PagePool& pool) const;

  // An empty ring whose first row will be that of position `first`.
  void start_at(int64_t first);

 private:
  int64_t capacity_ = 0;
  int64_t row_bytes_ = 0;
  int64_t begin_ = 0;
  int64_t end_ = 0;
  // Copies the slots of held positions [from, end) of `source` to their slots
  // here.
  void copy_from(const PositionRing& source, int64_t from, PagePool& pool);

  PageRef block_;
};

}  // namespace hadal
