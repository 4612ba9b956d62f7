#include "cache/row_pages.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace hadal {

void RowPages::prepare(PagePool& pool, int64_t first, int64_t end) {
  HADAL_CHECK(first >= 0 && first <= end && first <= capacity());
  const int64_t kept = first / rows_per_page_;  // pages without a new row
  const int64_t wanted = (end + rows_per_page_ - 1) / rows_per_page_;
  const int64_t old_rows = first % rows_per_page_;

  // Everything that can fail happens before the first change.
  std::vector<PageRef> fresh;
  if (first < end) {
    for (int64_t i = kept; i < wanted; ++i) {
      const bool ours =
          i < page_count() && pages_[static_cast<size_t>(i)].unique();
      fresh.push_back(
          ours ? pages_[static_cast<size_t>(i)] : pool.allocate(page_bytes()));
    }
    if (old_rows > 0 &&
        fresh.front().data() != data_[static_cast<size_t>(kept)]) {
      pool.memory().copy(
          fresh.front().data(),
          data_[static_cast<size_t>(kept)],
          static_cast<size_t>(old_rows * layout_.row_bytes()));
    }
    const auto room = static_cast<size_t>(wanted);
    if (room > pages_.capacity() || room > data_.capacity()) {
      pages_.reserve(std::max(room, 2 * pages_.capacity()));
      data_.reserve(std::max(room, 2 * data_.capacity()));
    }
  }
  truncate(first < end ? kept * rows_per_page_ : end);
  for (PageRef& page : fresh) {
    data_.push_back(page.data());
    pages_.push_back(std::move(page));
  }
}

void RowPages::truncate(int64_t rows) {
  const auto pages =
      static_cast<size_t>((rows + rows_per_page_ - 1) / rows_per_page_);
  if (pages >= pages_.size())
    return;
  pages_.resize(pages);
  data_.resize(pages);
}

std::byte* RowPages::writable_row(int64_t index) {
  HADAL_CHECK(index >= 0 && index < capacity());
  return pages_[static_cast<size_t>(index / rows_per_page_)].data() +
         index % rows_per_page_ * layout_.row_bytes();
}

const std::byte* RowPages::row(int64_t index) const {
  HADAL_CHECK(index >= 0 && index < capacity());
  return data_[static_cast<size_t>(index / rows_per_page_)] +
         index % rows_per_page_ * layout_.row_bytes();
}

}  // namespace hadal
