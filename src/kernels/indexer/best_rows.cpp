#include "kernels/indexer/best_rows.h"

#include <algorithm>

namespace hadal {
namespace {

float score_of(RowKey key) {
  const uint32_t ordered = static_cast<uint32_t>(key >> 32);
  return std::bit_cast<float>(
      (ordered & 0x80000000u) != 0 ? ordered & 0x7FFFFFFFu : ~ordered);
}

// Moves the `count` largest of n different keys to the front, the smallest of
// these to place count - 1. Quickselect without branches on the data: keys
// larger than the pivot are swapped to the front as they are met.
void select_largest(RowKey* keys, int64_t n, int64_t count) {
  int64_t low = 0;
  int64_t high = n;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    RowKey* const last = keys + high - 1;
    if (keys[low] < keys[middle])
      std::swap(keys[low], keys[middle]);
    if (*last < keys[middle])
      std::swap(*last, keys[middle]);
    if (keys[low] < *last)
      std::swap(keys[low], *last);  // the median of the three is last
    const RowKey pivot = *last;
    int64_t larger = low;
    for (int64_t i = low; i < high - 1; ++i) {
      const RowKey key = keys[i];
      keys[i] = keys[larger];
      keys[larger] = key;
      larger += key > pivot ? 1 : 0;
    }
    std::swap(keys[larger], *last);
    if (larger == count - 1)
      return;
    if (larger >= count)
      high = larger;
    else
      low = larger + 1;
  }
}

}  // namespace

void BestRows::add(RowKey key) {
  if (key <= bound_)
    return;
  if (size_ == room_for(top_k_)) {
    shrink();
    if (key <= bound_)
      return;
  }
  room_[size_++] = key;
}

void BestRows::offer(int64_t first, const float* scores, int64_t count) {
  // Most of the time there is none, which a plain loop finds out faster.
  int any = 0;
  for (int64_t i = 0; i < count; ++i)
    any |= scores[i] >= bound_score_ ? 1 : 0;
  for (int64_t i = 0; i < count && any != 0; ++i)
    if (scores[i] >= bound_score_)
      add(row_key(scores[i], first + i));
}

void BestRows::offer(const RowKey* keys, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    add(keys[i]);
}

void BestRows::shrink() {
  if (size_ <= top_k_)
    return;
  select_largest(room_, size_, top_k_);
  size_ = top_k_;
  bound_ = room_[top_k_ - 1];
  bound_score_ = score_of(bound_);
}

// A bit a row sorts them in the time of a pass over the bits.
int64_t BestRows::finish(int64_t row_limit, uint64_t* bits, int32_t* rows) {
  shrink();
  const int64_t words = bits_for(row_limit);
  std::fill_n(bits, words, uint64_t{0});
  for (int64_t i = 0; i < size_; ++i) {
    const int64_t row = row_of(room_[i]);
    bits[row / 64] |= uint64_t{1} << (row % 64);
  }
  for (int64_t word = 0; word < words; ++word)
    for (uint64_t left = bits[word]; left != 0; left &= left - 1)
      *rows++ = static_cast<int32_t>(64 * word + std::countr_zero(left));
  return size_;
}

}  // namespace hadal
