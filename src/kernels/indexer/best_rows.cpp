// New rows are appended while they beat the bound; a full room is cut back to
// the best by a selection, which sets the bound.
#include "kernels/indexer/best_rows.h"

#include <algorithm>

namespace hadal {
namespace {

bool better(const ScoredRow& a, const ScoredRow& b) {
  return a.score > b.score || (a.score == b.score && a.row < b.row);
}

}  // namespace

void BestRows::add(ScoredRow row) {
  if (has_bound_ && !better(row, bound_))
    return;
  if (size_ == room_for(top_k_))
    shrink();
  room_[size_++] = row;
}

void BestRows::offer(int64_t first, const float* scores, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    add({scores[i], static_cast<int32_t>(first + i)});
}

void BestRows::offer(const ScoredRow* rows, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    add(rows[i]);
}

void BestRows::shrink() {
  if (size_ <= top_k_)
    return;
  std::nth_element(room_, room_ + top_k_ - 1, room_ + size_, better);
  size_ = top_k_;
  has_bound_ = true;
  bound_ = room_[top_k_ - 1];
}

int64_t BestRows::finish(int32_t* rows) {
  shrink();
  for (int64_t i = 0; i < size_; ++i)
    rows[i] = room_[i].row;
  std::sort(rows, rows + size_);
  return size_;
}

}  // namespace hadal
