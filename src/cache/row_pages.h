// Compressed rows of one layer, in pages that sequences share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "cache/page_pool.h"
#include "kernels/row_format.h"

namespace hadal {

// Rows [0, capacity) in pages of a fixed number of rows. How many of them are
// valid is the sequence's length's business. Copies share the pages; a page is
// copied when a sharer appends to it.
class RowPages {
 public:
  RowPages() = default;
  RowPages(const RowLayout& layout, int64_t rows_per_page)
      : layout_(layout), rows_per_page_(rows_per_page) {}

  const RowLayout& layout() const { return layout_; }
  int64_t capacity() const {
    return static_cast<int64_t>(pages_.size()) * rows_per_page_;
  }
  int64_t page_count() const { return static_cast<int64_t>(pages_.size()); }
  const PageRef& page(int64_t index) const {
    return pages_[static_cast<size_t>(index)];
  }

  // Makes rows [first, end) writable without touching rows before `first`; rows
  // from `end` on lose their pages. Throws Error(resource) and changes nothing.
  void prepare(PagePool& pool, int64_t first, int64_t end);

  // Gives up the pages that hold no row below `rows`.
  void truncate(int64_t rows);

  // A prepared row, to be written.
  std::byte* writable_row(int64_t index);
  const std::byte* row(int64_t index) const;

  // What kernels take; valid until the next prepare() or truncate().
  PagedRows view() const { return {data_.data(), rows_per_page_, layout_}; }

 private:
  int64_t page_bytes() const { return rows_per_page_ * layout_.row_bytes(); }

  RowLayout layout_;
  int64_t rows_per_page_ = 1;
  std::vector<PageRef> pages_;
  std::vector<const std::byte*> data_;  // of each page
};

}  // namespace hadal
