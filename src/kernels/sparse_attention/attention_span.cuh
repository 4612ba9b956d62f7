// Attention of up to 32 heads of one token over tiles of its key list, on the
// matrix instructions. Heads are the rows of the instruction; a key's row is
// widened once for all of them.
#pragma once

#include "kernels/sparse_attention/attention_fold.cuh"
#include "kernels/sparse_attention/attention_rows.cuh"

namespace hadal::cuda {

// One block's work on one tile after the other.
template <int kTiles, int kKeys, int kParts>
class AttentionBlock : public AttentionRows<kTiles, kKeys, kParts> {
 public:
  using Rows = AttentionRows<kTiles, kKeys, kParts>;
  using Room = typename Rows::Room;
  using Rows::first_head;
  using Rows::key_row_of;
  using Rows::keys_of;
  using Rows::params;
  using Rows::query_row;
  using Rows::room;
  using Rows::scores;
  using Rows::weights;
  static constexpr int kGroups =
      kMostDim / (16 * kAttentionWarps);  // of 16 channels a warp, at most

  FoldFactors* factors;  // [heads], shared
  SoftmaxSum span;       // of head thread / 16
  // Values of the span: head row, channel group, half of the group.
  float values[kTiles][kGroups][2][4];

  // q . k: a warp takes a quarter of the channels and 16 of the keys.
  __device__ void score() {
    constexpr int kEach = 16;
    const int warp = threadIdx.x / kWarp;
    const int lane = threadIdx.x % kWarp;
    const int quarter = warp % kQuarters;
    const int first_key = warp / kQuarters * kEach;
    if (first_key >= kKeys)
      return;
    const int channels = room.padded / kQuarters;
    float sums[kTiles][kEach / 8][4] = {};
    for (int c = quarter * channels; c < (quarter + 1) * channels; c += 16) {
      Pair q[kTiles][2][4];
#pragma unroll
      for (int r = 0; r < kTiles; ++r)
#pragma unroll
        for (int part = 0; part < 2; ++part)
          load_matrices(
              q[r][part],
              query_row(part, r * kTileHeads + lane % 16) + c + lane / 16 * 8);
#pragma unroll
      for (int n = 0; n < kEach / 16; ++n) {
        const int key = first_key + n * 16 + lane / 16 * 8 + lane % 8;
        Pair k[kParts][4];
#pragma unroll
        for (int part = 0; part < kParts; ++part)
          load_matrices(k[part], key_row_of(part, key) + c + lane / 8 % 2 * 8);
#pragma unroll
        for (int r = 0; r < kTiles; ++r)
#pragma unroll
          for (int half = 0; half < 2; ++half)
            multiply_parts(sums[r][2 * n + half], q[r], k, half);
      }
    }
    float* const out = scores(quarter);
#pragma unroll
    for (int r = 0; r < kTiles; ++r)
#pragma unroll
      for (int n = 0; n < kEach / 8; ++n)
#pragma unroll
        for (int row = 0; row < 2; ++row)
          *reinterpret_cast<float2*>(
              out + (r * kTileHeads + lane / 4 + 8 * row) * Room::kScoreStride +
              first_key + n * 8 +
              lane % 4 * 2) = {sums[r][n][2 * row], sums[r][n][2 * row + 1]};
  }

  // Scores to weights; 16 threads a head.
  __device__ void weigh(int tile) {
    constexpr int kEach = kKeys / 16;
    const int keys = keys_of(tile);
    const int first = threadIdx.x % 16 * kEach;
    const int head = static_cast<int>(threadIdx.x) / 16;
    if (head >= Room::kHeads)
      return;
    float weight[kEach];
    float most = span.most;
#pragma unroll
    for (int i = 0; i < kEach; i += 2) {
      const int at = head * Room::kScoreStride + first + i;
      float2 dots = *reinterpret_cast<const float2*>(scores(0) + at);
#pragma unroll
      for (int quarter = 1; quarter < kQuarters; ++quarter) {
        const float2 more =
            *reinterpret_cast<const float2*>(scores(quarter) + at);
        dots = {dots.x + more.x, dots.y + more.y};
      }
      weight[i] = first + i < keys ? params.scale * dots.x : kNothing;
      weight[i + 1] = first + i + 1 < keys ? params.scale * dots.y : kNothing;
      most = fmaxf(most, fmaxf(weight[i], weight[i + 1]));
    }
    for (int step = 8; step > 0; step /= 2)
      most = fmaxf(most, __shfl_xor_sync(kAllLanes, most, step));
    float sum = 0;
#pragma unroll
    for (int i = 0; i < kEach; i += 2) {
      const SplitPair split =
          split_pair(expf(weight[i] - most), expf(weight[i + 1] - most));
      const int at = head * Room::kScoreStride + first + i;
      *reinterpret_cast<Pair*>(weights(0) + at) = split.high;
      *reinterpret_cast<Pair*>(weights(1) + at) = split.low;
      // What the values are multiplied by, to the last bit.
      sum +=
          __uint_as_float(split.high << 16) + __uint_as_float(split.low << 16);
      sum += __uint_as_float(split.high & 0xFFFF0000) +
             __uint_as_float(split.low & 0xFFFF0000);
    }
#pragma unroll
    for (int step = 8; step > 0; step /= 2)
      sum += __shfl_xor_sync(kAllLanes, sum, step);
    const float factor = expf(span.most - most);
    span = {most, __fmaf_rn(span.sum, factor, sum)};
    if (threadIdx.x % 16 == 0)
      factors[head].total = factor;
  }

  // Weights times keys on top of the span's values; a warp takes groups of 16
  // channels.
  __device__ void add_values() {
    const int warp = threadIdx.x / kWarp;
    const int lane = threadIdx.x % kWarp;
#pragma unroll
    for (int r = 0; r < kTiles; ++r)
#pragma unroll
      for (int row = 0; row < 2; ++row) {
        const float factor = factors[r * kTileHeads + lane / 4 + 8 * row].total;
#pragma unroll
        for (int group = 0; group < kGroups; ++group)
#pragma unroll
          for (int half = 0; half < 2; ++half)
#pragma unroll
            for (int i = 2 * row; i < 2 * row + 2; ++i)
              values[r][group][half][i] *= factor;
      }
#pragma unroll 2
    for (int key = 0; key < kKeys; key += 16) {
      Pair weight[kTiles][2][4];
#pragma unroll
      for (int r = 0; r < kTiles; ++r)
#pragma unroll
        for (int part = 0; part < 2; ++part)
          load_matrices(
              weight[r][part],
              weights(part) +
                  (r * kTileHeads + lane % 16) * Room::kScoreStride + key +
                  lane / 16 * 8);
#pragma unroll
      for (int group = 0; group < kGroups; ++group) {
        const int channel = (group * kAttentionWarps + warp) * 16;
        if (channel >= room.padded)
          continue;
        Pair v[kParts][4];
#pragma unroll
        for (int part = 0; part < kParts; ++part)
          load_transposed(
              v[part],
              key_row_of(part, key + lane % 16) + channel + lane / 16 * 8);
#pragma unroll
        for (int r = 0; r < kTiles; ++r)
#pragma unroll
          for (int half = 0; half < 2; ++half)
            multiply_parts(values[r][group][half], weight[r], v, half);
      }
    }
  }

  __device__ void start_span() {
    span = {};
#pragma unroll
    for (int r = 0; r < kTiles; ++r) {
#pragma unroll
      for (int group = 0; group < kGroups; ++group)
#pragma unroll
        for (int half = 0; half < 2; ++half)
#pragma unroll
          for (int i = 0; i < 4; ++i)
            values[r][group][half][i] = 0;
    }
  }

  // do_pair(r, row, group, half, head, channel) for the pairs of values that
  // this thread holds, in `values[r][group][half][2 * row]` and the next.
  template <class DoPair>
  __device__ void for_each_pair(const DoPair& do_pair) {
    const int warp = threadIdx.x / kWarp;
    const int lane = threadIdx.x % kWarp;
    const int heads = static_cast<int>(params.heads) - first_head;
    const int dim = static_cast<int>(params.dim);
#pragma unroll
    for (int r = 0; r < kTiles; ++r)
#pragma unroll
      for (int row = 0; row < 2; ++row) {
        const int head = r * kTileHeads + lane / 4 + 8 * row;
#pragma unroll
        for (int group = 0; group < kGroups; ++group)
#pragma unroll
          for (int half = 0; half < 2; ++half) {
            const int channel =
                (group * kAttentionWarps + warp) * 16 + half * 8 + lane % 4 * 2;
            if (head < heads && channel < dim)
              do_pair(r, row, group, half, head, channel);
          }
      }
  }

 private:
  // The high part of the left side first, then its low part; so with the second
  // part of the keys where there is one, and the high part with the third.
  static __device__ void multiply_parts(
      float (&sums)[4],
      const Pair (&left)[2][4],
      const Pair (&keys)[kParts][4],
      int half) {
    multiply_tiles(sums, left[0], keys[0][2 * half], keys[0][2 * half + 1]);
    multiply_tiles(sums, left[1], keys[0][2 * half], keys[0][2 * half + 1]);
    if constexpr (kParts == 3) {
      multiply_tiles(sums, left[0], keys[1][2 * half], keys[1][2 * half + 1]);
      multiply_tiles(sums, left[1], keys[1][2 * half], keys[1][2 * half + 1]);
      multiply_tiles(sums, left[0], keys[2][2 * half], keys[2][2 * half + 1]);
    }
  }
};

}  // namespace hadal::cuda
