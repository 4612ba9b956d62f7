// The inner loops of the hyper-connections, on the best instruction set here.
// The order of every sum is that of hyper_connection.h.
#pragma once

#include <cstdint>

namespace hadal {

inline constexpr int64_t kMixTokens = 16;   // at most, in one call
inline constexpr int64_t kMaxStreams = 16;  // n

// Floats of scratch that mix_products needs for `rows` rows.
constexpr int64_t mix_scratch_floats(int64_t rows) {
  return kMixTokens * ((rows + 3) / 4 * 4) * 16;
}

// sums[t * pitch + r] = rows[r] . tokens[t] over `channels` channels, for count
// tokens. `scratch` is aligned to 64 bytes.
void mix_products(
    const float* const* tokens,
    int64_t count,
    const float* const* rows,
    int64_t row_count,
    int64_t channels,
    float* scratch,
    float* sums,
    int64_t pitch);

// sums[t] = tokens[t] . tokens[t].
void mix_squares(
    const float* const* tokens, int64_t count, int64_t channels, float* sums);

struct MixScales {
  const float* base;
  const float* scale;
  int64_t n;
  int64_t sinkhorn_iterations;
  int64_t channels;
  float norm_eps;
  float hc_eps;
};

// Products [count, 2n + n*n] and squares [count] to pre and post [count, n] and
// comb [count, n, n].
void mix_coefficients(
    const MixScales& scales,
    const float* products,
    const float* squares,
    int64_t count,
    float* pre,
    float* post,
    float* comb);

// The head's: products [count, n] to pre [count, n].
void mix_head_coefficients(
    const MixScales& scales,
    const float* products,
    const float* squares,
    int64_t count,
    float* pre);

// x[d] = sum_i pre[i] * streams[i * dim + d] for one token.
void mix_down(
    const float* streams, const float* pre, int64_t n, int64_t dim, float* x);

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
