// Which compressed rows a query attends to in a ratio-4 layer (spec 3.8).
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/row_format.h"

namespace hadal {

// For every token t of one sequence: score[s] = sum_h weight[t, h] *
// max(0, q[t, h] . row[s]) over the rows s < (position + 1) / 4; the best
// min(top_k, rows) by score (ties: the lower row), written in increasing order
// of row. When all visible rows fit in top_k they are all taken, unscored.
struct IndexerParams {
  const float* q = nullptr;        // [tokens, heads, dim], rotated and rounded
  const float* weights = nullptr;  // [tokens, heads]
  float weight_scale = 1;          // multiplies them, before all else
  int64_t tokens = 0;
  int64_t heads = 0;
  int64_t dim = 0;
  int64_t first_position = 0;  // of token 0; token t stands at first + t
  int64_t ratio = 4;
  PagedRows rows;  // visible rows of every token are stored
  int64_t top_k = 0;
  int32_t* selected = nullptr;  // [tokens, top_k]
  int32_t* counts = nullptr;    // [tokens]
};

// weights * weight_scale, each rounded once.
inline std::vector<float> scaled_weights(const IndexerParams& params) {
  std::vector<float> result(
      params.weights, params.weights + params.tokens * params.heads);
  for (float& weight : result)
    weight *= params.weight_scale;
  return result;
}

}  // namespace hadal
