// The indexer on the CPU: a tile of rows is widened once and scored for a group
// of tokens; the best rows are kept while the tiles stream by. Many tokens are
// shared out among the threads by groups; for few tokens each thread takes a
// range of rows, and the ranges' best rows are put together.
#include <algorithm>
#include <cstdint>
#include <numeric>

#include "base/aligned_buffer.h"
#include "kernels/indexer/best_rows.h"
#include "kernels/indexer/indexer.h"
#include "kernels/indexer/score_tile.h"
#include "kernels/work_items.h"

namespace hadal {
namespace {

constexpr int64_t kGroupTokens = 8;
// Rows below which a range is not worth a thread of its own.
constexpr int64_t kRangeRows = 512;

struct Scratch {
  AlignedBuffer<float> wide;
  AlignedBuffer<float> tile;
  AlignedBuffer<ScoredRow> best;  // of the group's tokens
};

Scratch& scratch() {
  thread_local Scratch of_thread;
  return of_thread;
}

// Of the calling thread: the best rows of every range, and how many.
AlignedBuffer<ScoredRow>& shared_best() {
  thread_local AlignedBuffer<ScoredRow> of_thread;
  return of_thread;
}
AlignedBuffer<int64_t>& shared_sizes() {
  thread_local AlignedBuffer<int64_t> of_thread;
  return of_thread;
}

int64_t visible_rows(const IndexerParams& params, int64_t token) {
  return (params.first_position + token + 1) / params.ratio;
}

// Offers rows [begin, end) to the tokens [first, first + count), to each those
// that it sees.
void score_range(
    const IndexerParams& params,
    int64_t first,
    int64_t count,
    int64_t begin,
    int64_t end,
    BestRows* best) {
  const RowLayout& layout = params.rows.layout;
  Scratch& mine = scratch();
  float* wide = mine.wide.reserve(score_scratch_floats(params.dim));
  float* tile = mine.tile.reserve(kScoreRows * params.dim);
  for (int64_t row = begin; row < end; row += kScoreRows) {
    const int64_t rows = std::min(kScoreRows, end - row);
    const std::byte* stored[kScoreRows];
    for (int64_t i = 0; i < rows; ++i)
      stored[i] = params.rows.pages[(row + i) / params.rows.rows_per_page] +
                  (row + i) % params.rows.rows_per_page * layout.row_bytes();
    widen_score_rows(layout, stored, rows, wide, tile);
    for (int64_t t = 0; t < count; ++t) {
      const int64_t seen =
          std::min(rows, visible_rows(params, first + t) - row);
      if (seen <= 0)
        continue;
      const int64_t query = (first + t) * params.heads;
      float scores[kScoreRows];
      score_rows(
          params.q + query * params.dim,
          params.weights + query,
          params.heads,
          params.dim,
          tile,
          scores);
      best[t].offer(row, scores, seen);
    }
  }
}

// The tokens that need no scores. Returns the first one that does: later tokens
// see at least as many rows.
int64_t take_all_where_it_fits(const IndexerParams& params) {
  int64_t token = 0;
  for (; token < params.tokens; ++token) {
    const int64_t visible = visible_rows(params, token);
    if (visible > params.top_k)
      break;
    int32_t* selected = params.selected + token * params.top_k;
    std::iota(selected, selected + visible, 0);
    params.counts[token] = static_cast<int32_t>(visible);
  }
  return token;
}

void select_by_groups(
    const IndexerParams& params, int64_t first_token, ThreadTeam& team) {
  const int64_t tokens = params.tokens - first_token;
  const int64_t group =
      std::clamp<int64_t>(tokens / (2 * team.size()), 1, kGroupTokens);
  const int64_t room = BestRows::room_for(params.top_k);
  for_each_item(team, (tokens + group - 1) / group, [&](int64_t item) {
    const int64_t first = first_token + item * group;
    const int64_t count = std::min(group, params.tokens - first);
    ScoredRow* rooms = scratch().best.reserve(kGroupTokens * room);
    BestRows best[kGroupTokens];
    for (int64_t t = 0; t < count; ++t)
      best[t] = BestRows(rooms + t * room, params.top_k);
    score_range(
        params, first, count, 0, visible_rows(params, first + count - 1), best);
    for (int64_t t = 0; t < count; ++t)
      params.counts[first + t] = static_cast<int32_t>(
          best[t].finish(params.selected + (first + t) * params.top_k));
  });
}

void select_by_ranges(
    const IndexerParams& params, int64_t token, ThreadTeam& team) {
  const int64_t visible = visible_rows(params, token);
  const int64_t ranges =
      std::clamp<int64_t>(visible / kRangeRows, 1, team.size());
  const int64_t range = (visible + ranges - 1) / ranges;
  const int64_t room = BestRows::room_for(params.top_k);
  ScoredRow* rooms = shared_best().reserve((ranges + 1) * room);
  int64_t* sizes = shared_sizes().reserve(ranges);
  for_each_item(team, ranges, [&](int64_t item) {
    BestRows best(rooms + item * room, params.top_k);
    score_range(
        params,
        token,
        1,
        item * range,
        std::min(visible, (item + 1) * range),
        &best);
    best.shrink();
    sizes[item] = best.size();
  });
  BestRows best(rooms + ranges * room, params.top_k);
  for (int64_t item = 0; item < ranges; ++item)
    best.offer(rooms + item * room, sizes[item]);
  params.counts[token] =
      static_cast<int32_t>(best.finish(params.selected + token * params.top_k));
}

}  // namespace

void indexer_cpu(const IndexerParams& params, ThreadTeam& team) {
  const int64_t first = take_all_where_it_fits(params);
  if (params.tokens - first >= 2 * team.size()) {
    select_by_groups(params, first, team);
    return;
  }
  for (int64_t token = first; token < params.tokens; ++token)
    select_by_ranges(params, token, team);
}

}  // namespace hadal
