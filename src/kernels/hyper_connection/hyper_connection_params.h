// Mixing of the residual streams before and after a sub-layer (spec 2.4-2.6).
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/weight_view.h"

namespace hadal {

// Spec 2.4, and the norm that follows (spec 2.3). The order of every step is in
// hyper_connection.h.
struct HyperConnectionPreParams {
  const float* streams = nullptr;  // [tokens, n, dim]
  int64_t tokens = 0;
  int64_t n = 0;  // streams
  int64_t dim = 0;
  WeightView fn;                 // f32 or bf16 [2n + n*n, n*dim]
  const float* base = nullptr;   // [2n + n*n]
  const float* scale = nullptr;  // [3]
  int64_t sinkhorn_iterations = 0;
  float norm_eps = 0;  // of the mixing and of the norm
  float hc_eps = 0;
  const float* norm_weight = nullptr;  // [dim]; null: x stays as it was mixed
  float* x = nullptr;                  // [tokens, dim]
  float* post = nullptr;               // [tokens, n]
  float* comb = nullptr;  // [tokens, n, n]: row = source, column = destination
};

// Spec 2.5: out[k] = post[k] * y + sum_j comb[j][k] * streams[j].
// `out` may equal `streams`.
struct HyperConnectionPostParams {
  const float* y = nullptr;        // [tokens, dim]
  const float* streams = nullptr;  // [tokens, n, dim]
  const float* post = nullptr;     // [tokens, n]
  const float* comb = nullptr;     // [tokens, n, n]
  int64_t tokens = 0;
  int64_t n = 0;
  int64_t dim = 0;
  float* out = nullptr;  // [tokens, n, dim]
};

// The end of one sub-layer and the start of the next: `post`, then `pre` of the
// streams that it wrote. Both have the same tokens, n and dim, and pre.streams
// is post.out. pre.post and pre.comb may equal post.post and post.comb.
struct HyperConnectionBetweenParams {
  HyperConnectionPostParams post;
  HyperConnectionPreParams pre;
};

// Spec 2.6, and the norm that follows.
struct HyperConnectionHeadParams {
  const float* streams = nullptr;  // [tokens or more, n, dim]
  // [tokens]: token t mixes the streams of row rows[t]; null: of row t.
  const int64_t* rows = nullptr;
  int64_t tokens = 0;
  int64_t n = 0;
  int64_t dim = 0;
  WeightView fn;                 // f32 or bf16 [n, n*dim]
  const float* base = nullptr;   // [n]
  const float* scale = nullptr;  // [1]
  float norm_eps = 0;
  float hc_eps = 0;
  const float* norm_weight = nullptr;  // [dim]; null: x stays as it was mixed
  float* x = nullptr;                  // [tokens, dim]
};

// The streams of the rows that are mixed, side by side.
inline std::vector<float> gathered_streams(
    const HyperConnectionHeadParams& params) {
  const int64_t channels = params.n * params.dim;
  std::vector<float> result(static_cast<size_t>(params.tokens * channels));
  for (int64_t t = 0; t < params.tokens; ++t)
    std::copy_n(
        params.streams + params.rows[t] * channels,
        channels,
        result.data() + t * channels);
  return result;
}

}  // namespace hadal
