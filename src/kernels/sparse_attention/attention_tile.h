// The inner loops of sparse attention, on the best instruction set here. The
// order of every sum is that of sparse_attention.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/row_format.h"

namespace hadal {

inline constexpr int64_t kAttentionTile = 64;  // keys
// `channels` below is the head size rounded up to this; the padding is zero.
inline constexpr int64_t kAttentionChannels = 64;

// Stored rows to float32: row i to out + i * stride, zeros from dim to
// channels.
void attention_widen(
    const RowLayout& layout,
    const std::byte* const* rows,
    int64_t count,
    int64_t channels,
    float* out,
    int64_t stride);

// scores[h * pitch + j] = scale * (q[h] . keys[j]); q [heads, q_stride].
void attention_scores(
    const float* q,
    int64_t q_stride,
    int64_t heads,
    const float* const* keys,
    int64_t count,
    int64_t channels,
    float scale,
    float* scores,
    int64_t pitch);

// In place: scores become exp(score - M). denominators[h] = their sum and the
// sink's term. Entries from `count` up to the next multiple of 16 (pitch is
// one) are overwritten with zeros. `scores` is aligned to 64 bytes.
void attention_weights(
    float* scores,
    int64_t pitch,
    int64_t heads,
    int64_t count,
    const float* sink,
    float* denominators);

// out[h] = or += sum_j weights[h * pitch + j] * keys[j] for one tile.
void attention_values(
    const float* weights,
    int64_t pitch,
    int64_t heads,
    const float* const* keys,
    int64_t count,
    int64_t channels,
    bool first_tile,
    float* out,
    int64_t out_stride);

// out[h] /= denominators[h].
void attention_divide(
    const float* denominators,
    int64_t heads,
    int64_t channels,
    float* out,
    int64_t out_stride);

}  // namespace hadal
