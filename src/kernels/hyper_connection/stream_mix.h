// The inner loops of the hyper-connections, on the best instruction set here.
// The order of every sum is that of hyper_connection.h.
#pragma once

#include <cstdint>

#include "kernels/weight_view.h"

namespace hadal {

inline constexpr int64_t kMixTokens = 32;   // at most, in one call
inline constexpr int64_t kMaxStreams = 16;  // n
inline constexpr int64_t kMixPiece = 512;   // channels of a stream

// A token's lanes of all sums: 16 for each row of fn, then 16 for the squares,
// up to whole tiles.
constexpr int64_t mix_lane_floats(int64_t rows) {
  return (rows + 1 + 15) / 16 * 16 * 16;
}

// The lanes of one piece: channels [begin, end) of all n streams of `count`
// tokens, each [n, dim]. Token t's go to lanes + t * lane_pitch. `lanes` is
// aligned to 64 bytes, and lane_pitch at least mix_lane_floats(fn.rows).
void mix_piece(
    const WeightView& fn,
    const float* const* tokens,
    int64_t count,
    int64_t n,
    int64_t dim,
    int64_t begin,
    int64_t end,
    float* lanes,
    int64_t lane_pitch);

// sum += lanes, both of one token.
void mix_add(const float* lanes, int64_t rows, float* sum);

// Adds the lanes of the pieces (piece p of a token at lanes + p *
// mix_lane_floats(rows)) and joins them: sums [rows + 1], the squares last.
void mix_join(const float* lanes, int64_t pieces, int64_t rows, float* sums);

struct MixScales {
  const float* base;
  const float* scale;
  int64_t n;
  int64_t sinkhorn_iterations;
  int64_t channels;
  float norm_eps;
  float hc_eps;
};

// Sums [count, 2n + n*n + 1] of mix_join to pre and post [count, n] and comb
// [count, n, n].
void mix_coefficients(
    const MixScales& scales,
    const float* sums,
    int64_t count,
    float* pre,
    float* post,
    float* comb);

// The head's: sums [count, n + 1] to pre [count, n].
void mix_head_coefficients(
    const MixScales& scales, const float* sums, int64_t count, float* pre);

// x[d] = sum_i pre[i] * streams[i * dim + d] for one token; then its RMSNorm
// with `weight`, unless that is null.
void mix_down(
    const float* streams,
    const float* pre,
    int64_t n,
    int64_t dim,
    const float* weight,
    float eps,
    float* x);

// For one token and d in [begin, end), streams and out [n, dim]:
// out[k][d] = post[k] * y[d] + sum_j comb[j * n + k] * streams[j][d].
// `out` may equal `streams`.
void mix_up(
    const float* y,
    const float* streams,
    const float* post,
    const float* comb,
    int64_t n,
    int64_t dim,
    int64_t begin,
    int64_t end,
    float* out);

}  // namespace hadal
