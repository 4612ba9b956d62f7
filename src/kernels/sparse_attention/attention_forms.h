// The inner loops of sparse attention, on the best instruction set here, and
// the forms of the operands that they work on. The order of every sum is that
// of sparse_attention.h.
//
// All operands are float32. Channels lie in blocks of 32, in a block the even
// ones first, then the odd ones, which is how stored rows widen; the order of
// the sums over channels is this one.
//   queries [channels][padded_heads]
//   keys    [slot][channels]
//   values  [channel block][slot][32]
//   weights [head block][slot][8]
// A slot is a key's place in the list.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/row_format.h"

namespace hadal {

inline constexpr int64_t kHeadLanes = 16;     // heads are padded to these
inline constexpr int64_t kHeadBlock = 8;      // heads
inline constexpr int64_t kChannelBlock = 32;  // channels
inline constexpr int64_t kChannelGroup = 64;  // channels widened together
inline constexpr int64_t kTileSlots = 256;    // compressed keys a partial sum

struct AttentionShape {
  int64_t heads = 0;
  int64_t dim = 0;

  int64_t padded_heads() const {
    return (heads + kHeadLanes - 1) / kHeadLanes * kHeadLanes;
  }
  int64_t channel_blocks() const {
    return (dim + kChannelBlock - 1) / kChannelBlock;
  }
  int64_t channel_groups() const {
    return (dim + kChannelGroup - 1) / kChannelGroup;
  }
  int64_t channels() const { return channel_blocks() * kChannelBlock; }
};

// Queries of one token, q [heads, dim]. `scratch` is for
// query_scratch_floats() numbers. All aligned to 64 bytes, as everywhere below.
inline int64_t query_scratch_floats(const AttentionShape& shape) {
  return (3 * kHeadLanes + 1) * shape.channels();
}
void attention_queries(
    const AttentionShape& shape,
    const float* q,
    float* scratch,
    float* queries);

// Channels [64 group, 64 group + 64) of stored rows, zeros beyond dim: row i to
// out + i * slot_stride, its second block of 32 block_stride further.
void attention_rows(
    const AttentionShape& shape,
    const RowLayout& layout,
    const std::byte* const* rows,
    int64_t count,
    int64_t group,
    int64_t slot_stride,
    int64_t block_stride,
    float* out);

// scores[i * padded_heads + h] = scale * (q[h] . key i), i < count.
void attention_scores(
    const AttentionShape& shape,
    const float* queries,
    const float* keys,
    int64_t count,
    float scale,
    float* scores);

// One token's slots: the window's first, then the compressed ones.
struct AttentionSlots {
  int64_t window = 0;
  int64_t compressed = 0;
  int64_t all() const { return window + compressed; }
};

// For the heads [16 lane, 16 lane + 16): weights = exp(scores - M) and
// denominators = their sum and the sink's term. `sinks` and `denominators` have
// padded_heads entries.
void attention_weights(
    const AttentionShape& shape,
    const AttentionSlots& slots,
    int64_t lane,
    const float* scores,
    const float* sinks,
    float* weights,
    float* denominators);

// One partial sum of one channel block: sums[h * 32 + c] += weights . values
// over `count` slots, for all padded heads. `values` and `weights` stand at the
// first of them; weight_stride: from one head block to the next.
void attention_add(
    const AttentionShape& shape,
    const float* values,
    const float* weights,
    int64_t weight_stride,
    int64_t count,
    float* sums);

// The rotation of the output's last channels (rotate_heads.h), if any.
struct AttentionRotation {
  int64_t channels = 0;
  const float* cosines = nullptr;
  const float* sines = nullptr;
};

// Channels [32 block, 32 block + 32) of every head:
// out[h * dim + c] = sums[h] / denominators[h], then rotated.
void attention_finish(
    const AttentionShape& shape,
    const float* sums,
    const float* denominators,
    const AttentionRotation& rotation,
    int64_t block,
    float* out);

}  // namespace hadal
