// The inner loops of the indexer, on the best instruction set here. The order
// of every sum is that of indexer.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/row_format.h"

namespace hadal {

inline constexpr int64_t kScoreRows = 32;  // rows a tile

// Floats of scratch for widen_score_rows: sixteen rows, widened and half
// turned.
constexpr int64_t score_scratch_floats(int64_t dim) {
  return 32 * dim;
}

// Widens up to kScoreRows stored rows and turns them: tile[b][c][r] is channel
// c of row 16 b + r, tile [2, dim, 16]. Missing rows repeat the last one.
// `tile` and `scratch` are aligned to 64 bytes.
void widen_score_rows(
    const RowLayout& layout,
    const std::byte* const* rows,
    int64_t count,
    float* scratch,
    float* tile);

// scores[r] = sum_h weights[h] * max(0, q[h] . row r) for kScoreRows rows.
void score_rows(
    const float* q,
    const float* weights,
    int64_t heads,
    int64_t dim,
    const float* tile,
    float* scores);

}  // namespace hadal
