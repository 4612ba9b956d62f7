// The best rows of a stream of scored rows, without keeping all scores.
#pragma once

#include <cstdint>

namespace hadal {

struct ScoredRow {
  float score;
  int32_t row;
};

// Keeps the `top_k` first rows in the strict order (higher score first, of
// equal scores the lower row) of all rows offered so far. The kept set depends
// on what was offered, not on the order of the offers. Memory: room_for(top_k)
// entries, owned by the caller. Linear time on average: when the room is full,
// a selection halves it.
class BestRows {
 public:
  static constexpr int64_t room_for(int64_t top_k) { return 2 * top_k + 64; }

  BestRows() = default;
  BestRows(ScoredRow* room, int64_t top_k) : room_(room), top_k_(top_k) {}

  // Rows first .. first + count - 1 with their scores.
  void offer(int64_t first, const float* scores, int64_t count);
  // Rows with their scores.
  void offer(const ScoredRow* rows, int64_t count);

  // Drops all but the best; then kept()[0 .. size()) are they, in no order.
  void shrink();
  const ScoredRow* kept() const { return room_; }
  int64_t size() const { return size_; }

  // shrink(), then the rows in increasing order to `rows`; returns how many.
  int64_t finish(int32_t* rows);

 private:
  void add(ScoredRow row);

  ScoredRow* room_ = nullptr;
  int64_t top_k_ = 0;
  int64_t size_ = 0;
  // Once `top_k` rows are known to be at least this good, worse ones need not
  // be looked at.
  bool has_bound_ = false;
  ScoredRow bound_ = {};
};

}  // namespace hadal
