// The best rows of a stream of scored rows, without keeping all scores.
#pragma once

#include <bit>
#include <cstdint>

namespace hadal {

// A row and its score as one number: of two, the larger one has the higher
// score or, with equal scores (+0 and -0 are), the lower row. Scores are not
// NaN.
using RowKey = uint64_t;

inline RowKey row_key(float score, int64_t row) {
  const uint32_t bits = std::bit_cast<uint32_t>(score + 0.0f);
  const uint32_t ordered =
      (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
  return uint64_t{ordered} << 32 | (0xFFFFFFFFu - static_cast<uint32_t>(row));
}
inline int64_t row_of(RowKey key) {
  return 0xFFFFFFFFu - static_cast<uint32_t>(key);
}

// Keeps the `top_k` largest keys of all rows offered so far. The kept set
// depends on what was offered, not on the order of the offers. Memory:
// room_for(top_k) keys, owned by the caller. Linear time: a row costs one
// comparison, unless it is better than `top_k` others; when the room is full, a
// selection cuts it back.
class BestRows {
 public:
  static constexpr int64_t room_for(int64_t top_k) { return 2 * top_k + 64; }

  BestRows() = default;
  BestRows(RowKey* room, int64_t top_k) : room_(room), top_k_(top_k) {}

  // Rows first .. first + count - 1 with their scores.
  void offer(int64_t first, const float* scores, int64_t count);
  void offer(const RowKey* keys, int64_t count);

  // Drops all but the best; then kept()[0 .. size()) are they, in no order.
  void shrink();
  const RowKey* kept() const { return room_; }
  int64_t size() const { return size_; }

  // shrink(), then the rows in increasing order to `rows`; returns how many.
  // All rows are below `row_limit`; `bits` is scratch for bits_for(row_limit)
  // words.
  static constexpr int64_t bits_for(int64_t row_limit) {
    return row_limit / 64 + 1;
  }
  int64_t finish(int64_t row_limit, uint64_t* bits, int32_t* rows);

 private:
  void add(RowKey key);

  RowKey* room_ = nullptr;
  int64_t top_k_ = 0;
  int64_t size_ = 0;
  // Once `top_k` rows are known to be at least this good, worse ones need not
  // be looked at: the smallest key kept, and its score.
  RowKey bound_ = 0;
  float bound_score_ = -__builtin_inff();
};

}  // namespace hadal
