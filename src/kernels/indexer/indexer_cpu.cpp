// The indexer on the CPU: a tile of rows is unpacked once and scored for a
// group of tokens; the best rows are kept while the tiles stream by. Many
// tokens are shared out among the threads by groups; for few tokens each thread
// takes ranges of rows, and the threads' best rows are put together.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <numeric>

#include "base/aligned_buffer.h"
#include "kernels/indexer/best_rows.h"
#include "kernels/indexer/indexer.h"
#include "kernels/indexer/score_codes.h"
#include "kernels/indexer/score_tile.h"
#include "kernels/work_items.h"

namespace hadal {
namespace {

constexpr int64_t kGroupTokens = 8;
// The least rows that a thread takes at a time: a few tiles of either kind.
constexpr int64_t kRangeRows = 2 * kCodeRows;
static_assert(kRangeRows % kScoreRows == 0);

struct Scratch {
  AlignedBuffer<float> wide;
  AlignedBuffer<float> tile;
  CodeRows codes;
  CodeQueries queries[kGroupTokens];
  AlignedBuffer<RowKey> best;    // rooms for rows
  AlignedBuffer<uint64_t> bits;  // to sort rows
  BestRows group[kGroupTokens];
};
Scratch& scratch() {
  thread_local Scratch of_thread;
  return of_thread;
}

// Of the calling thread, for few tokens: [tokens][members].
struct SharedBest {
  AlignedBuffer<RowKey> rooms;
  AlignedBuffer<BestRows> best;
};
SharedBest& shared_best() {
  thread_local SharedBest of_thread;
  return of_thread;
}

int64_t visible_rows(const IndexerParams& params, int64_t token) {
  return (params.first_position + token + 1) / params.ratio;
}

// Some neighbouring tokens, at most kGroupTokens.
struct Group {
  int64_t first;
  int64_t count;
  CodeQueries* queries;  // prepared when the rows are FP4
};

void prepare_queries(const IndexerParams& params, const Group& group) {
  if (params.rows.layout.format != RowFormat::fp4)
    return;
  for (int64_t t = 0; t < group.count; ++t) {
    const int64_t query = (group.first + t) * params.heads;
    code_queries(
        params.q + query * params.dim,
        params.weights + query,
        params.heads,
        params.dim,
        group.queries[t]);
  }
}

// Offers rows [begin, end) to the group's tokens, to each those that it sees.
// `load(rows, count)` takes a tile of kRows, `score(t, scores)` scores it.
template <int64_t kRows, class Load, class Score>
void score_tiles(
    const IndexerParams& params,
    const Group& group,
    int64_t begin,
    int64_t end,
    BestRows* best,
    const Load& load,
    const Score& score) {
  const PagedRows& rows = params.rows;
  const int64_t row_bytes = rows.layout.row_bytes();
  const int page_shift =
      std::countr_zero(static_cast<uint64_t>(rows.rows_per_page));
  const int64_t in_page = rows.rows_per_page - 1;
  alignas(64) float scores[kRows];
  for (int64_t row = begin; row < end; row += kRows) {
    const int64_t count = std::min(kRows, end - row);
    const std::byte* stored[kRows];
    for (int64_t i = 0; i < count; ++i)
      stored[i] = rows.pages[(row + i) >> page_shift] +
                  ((row + i) & in_page) * row_bytes;
    load(stored, count);
    for (int64_t t = 0; t < group.count; ++t) {
      const int64_t seen =
          std::min(count, visible_rows(params, group.first + t) - row);
      if (seen <= 0)
        continue;
      score(t, scores);
      best[t].offer(row, scores, seen);
    }
  }
}

void score_range(
    const IndexerParams& params,
    const Group& group,
    int64_t begin,
    int64_t end,
    BestRows* best) {
  const RowLayout& layout = params.rows.layout;
  Scratch& mine = scratch();
  if (layout.format == RowFormat::fp4) {
    score_tiles<kCodeRows>(
        params,
        group,
        begin,
        end,
        best,
        [&](const std::byte* const* rows, int64_t count) {
          code_rows(layout, rows, count, mine.codes);
        },
        [&](int64_t t, float* scores) {
          code_scores(group.queries[t], mine.codes, scores);
        });
    return;
  }
  float* const wide = mine.wide.reserve(score_scratch_floats(params.dim));
  float* const tile = mine.tile.reserve(kScoreRows * params.dim);
  score_tiles<kScoreRows>(
      params,
      group,
      begin,
      end,
      best,
      [&](const std::byte* const* rows, int64_t count) {
        widen_score_rows(layout, rows, count, wide, tile);
      },
      [&](int64_t t, float* scores) {
        const int64_t query = (group.first + t) * params.heads;
        score_rows(
            params.q + query * params.dim,
            params.weights + query,
            params.heads,
            params.dim,
            tile,
            scores);
      });
}

void finish(const IndexerParams& params, int64_t token, BestRows& best) {
  const int64_t limit = visible_rows(params, token);
  params.counts[token] = static_cast<int32_t>(best.finish(
      limit,
      scratch().bits.reserve(BestRows::bits_for(limit)),
      params.selected + token * params.top_k));
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
  const int64_t size =
      std::clamp<int64_t>(tokens / (2 * team.size()), 1, kGroupTokens);
  const int64_t room = BestRows::room_for(params.top_k);
  for_each_item(team, (tokens + size - 1) / size, [&](int64_t item) {
    Scratch& mine = scratch();
    Group group{first_token + item * size, 0, mine.queries};
    group.count = std::min(size, params.tokens - group.first);
    prepare_queries(params, group);
    RowKey* const rooms = mine.best.reserve(kGroupTokens * room);
    for (int64_t t = 0; t < group.count; ++t)
      mine.group[t] = BestRows(rooms + t * room, params.top_k);
    score_range(
        params,
        group,
        0,
        visible_rows(params, group.first + group.count - 1),
        mine.group);
    for (int64_t t = 0; t < group.count; ++t)
      finish(params, group.first + t, mine.group[t]);
  });
}

// At most kGroupTokens tokens: every member keeps the best rows of the ranges
// that it gets.
void select_by_ranges(
    const IndexerParams& params,
    int64_t first,
    int64_t count,
    ThreadTeam& team) {
  const Group group{first, count, scratch().queries};
  prepare_queries(params, group);
  const int64_t room = BestRows::room_for(params.top_k);
  const int64_t members = team.size();
  RowKey* const rooms =
      shared_best().rooms.reserve(members * kGroupTokens * room);
  BestRows* const best = shared_best().best.reserve(members * kGroupTokens);
  for (int64_t i = 0; i < members * kGroupTokens; ++i)
    best[i] = BestRows(rooms + i * room, params.top_k);
  const int64_t visible = visible_rows(params, first + count - 1);
  const int64_t ranges = (visible + kRangeRows - 1) / kRangeRows;
  team.parallel_for(ranges, 1, [&](int64_t begin, int64_t end, int member) {
    // A copy, so that members do not write to the same line.
    BestRows mine[kGroupTokens];
    std::copy_n(best + member * kGroupTokens, count, mine);
    score_range(
        params,
        group,
        begin * kRangeRows,
        std::min(visible, end * kRangeRows),
        mine);
    for (int64_t t = 0; t < count; ++t)
      mine[t].shrink();
    std::copy_n(mine, count, best + member * kGroupTokens);
  });
  for_each_item(team, count, [&](int64_t t) {
    for (int64_t member = 1; member < members; ++member) {
      const BestRows& other = best[member * kGroupTokens + t];
      best[t].offer(other.kept(), other.size());
    }
    finish(params, first + t, best[t]);
  });
}

}  // namespace

void indexer_cpu(const IndexerParams& params, ThreadTeam& team) {
  if (params.weight_scale != 1) {
    const std::vector<float> weights = scaled_weights(params);
    IndexerParams scaled = params;
    scaled.weights = weights.data();
    scaled.weight_scale = 1;
    return indexer_cpu(scaled, team);
  }
  const int64_t first = take_all_where_it_fits(params);
  if (params.tokens - first >= kGroupTokens * team.size()) {
    select_by_groups(params, first, team);
    return;
  }
  for (int64_t token = first; token < params.tokens; token += kGroupTokens)
    select_by_ranges(
        params, token, std::min(kGroupTokens, params.tokens - token), team);
}

}  // namespace hadal
