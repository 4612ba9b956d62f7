// The row kernels' loop over affine weights. An instruction's columns are of
// one group, so a lane takes eight columns of every 32, and reads what other
// lanes of its warp have copied.
#pragma once

#include <cuda_fp16.h>

#include "kernels/linear/matrix_rows.cuh"

namespace hadal::cuda {

// Number `index` of a row of scales, of affine weights.
__device__ inline float affine_scale(
    ScaleFormat format, const std::byte* row, int index) {
  if (format == ScaleFormat::f32)
    return reinterpret_cast<const float*>(row)[index];
  const uint16_t bits = reinterpret_cast<const uint16_t*>(row)[index];
  return format == ScaleFormat::bf16 ? bf16_value(bits)
                                     : __half2float(__ushort_as_half(bits));
}

// The sum of the activations of the `blocks` (1, 2 or 4) blocks of 32 columns
// up to and including `last`: a balanced tree.
__device__ inline float group_sum(const float* last, int blocks) {
  if (blocks == 1)
    return last[0];
  const float near = last[-1] + last[0];
  return blocks == 2 ? near : (last[-3] + last[-2]) + near;
}

// kBits: 2, 4, 8 or, for 3, 5 and 6, 0. kGroup: blocks of 32 columns in a
// group.
template <
    int kBits,
    int kGroup,
    int kParts,
    int kHalves,
    int kTiles,
    bool kAlone>
__device__ __forceinline__ void affine_group_rows(
    const RowsJob& job, const RowsBlock& block) {
  constexpr int kRows = 8 * kHalves;
  constexpr int kMostBits = kBits == 0 ? 6 : kBits;
  constexpr int kStride = 16 * kMostBits + 16;  // of a row in the ring
  constexpr int kStageBytes = kRows * kStride;
  constexpr int kStages = stages_of(kStageBytes);
  constexpr int kShift = 5 + kGroup / 2;  // log2 of the group
  const WeightView& weight = job.weight;
  const int bits = kBits == 0 ? weight.bits : kBits;
  const int warp = threadIdx.x / kWarp;
  const int lane = threadIdx.x % kWarp;
  const int g = lane / 4;
  const int q = lane % 4;
  const int cols = static_cast<int>(weight.cols);
  const int used = cols / 8 * bits;
  const int segments = static_cast<int>(job.padded / kSegmentColumns);
  const int count = (segments - warp + kPartials - 1) / kPartials;
  const int last_row = static_cast<int>(weight.rows) - 1 - block.first_row;
  const std::byte* const data =
      weight.data + block.first_row * weight.row_bytes;
  const ScaleFormat format = weight.scale_format;

  // A lane's copies of a stage: 16 bytes each, `bits` of them in a row. Rows
  // beyond the last are read as the last, and not written.
  constexpr int kCopies = (kRows * kMostBits + kWarp - 1) / kWarp;
  int ask_i = 0;
  int ask_tile = count == 0 ? block.tiles : 0;
  int ask_slot = 0;
  int rows[kCopies];  // from `data` on
  const auto begin_tile = [&] {
#pragma unroll
    for (int c = 0; c < kCopies; ++c)
      rows[c] = min(ask_tile * kRows + (lane + kWarp * c) / bits, last_row) *
                static_cast<int>(weight.row_bytes);
  };
  const auto ask = [&] {
    if (ask_tile < block.tiles) {
      const int at = (warp + ask_i * kPartials) * 16 * bits;
      std::byte* const to = block.ring + ask_slot * kStageBytes;
#pragma unroll
      for (int c = 0; c < kCopies; ++c) {
        const int row = (lane + kWarp * c) / bits;
        const int in_row = (lane + kWarp * c) % bits * 16;
        const bool exists = at + in_row < used;
        if (row < kRows)
          copy_16(
              to + row * kStride + in_row,
              data + rows[c] + (exists ? at + in_row : 0),
              exists ? 16 : 0);
      }
      ask_slot = ask_slot + 1 == kStages ? 0 : ask_slot + 1;
      if (++ask_i == count) {
        ask_i = 0;
        ++ask_tile;
        begin_tile();
      }
    }
    commit_copies();
  };

  begin_tile();
  for (int i = 0; i < kStages; ++i)
    ask();
  block.begin<kStages, kAlone>();
  const RowsInputs<kTiles, kAlone> inputs(job, block, g);
  int slot = 0;
  for (int tile = 0; tile < block.tiles; ++tile) {
    int scales[kHalves];
#pragma unroll
    for (int h = 0; h < kHalves; ++h)
      scales[h] = min(tile * kRows + 8 * h + g, last_row) *
                  static_cast<int>(weight.scale_stride);
    RowsSums<kTiles> total = {};
    for (int i = 0; i < count; ++i) {
      wait_for_copies<kStages - 1>();
      __syncwarp();
      const std::byte* const from =
          block.ring + slot * kStageBytes + g * kStride;
      slot = slot + 1 == kStages ? 0 : slot + 1;
      const int k0 = (warp + i * kPartials) * static_cast<int>(kSegmentColumns);
      RowsSums<kTiles> sums;
#pragma unroll
      for (int b = 0; b < 4; ++b) {
        const int k = k0 + 32 * b;
        if (b % kGroup == 0)
#pragma unroll
          for (int n = 0; n < kTiles; ++n)
#pragma unroll
            for (int j = 0; j < 4; ++j)
              sums[n][j] = 0;
        Pair w[2][4] = {};
#pragma unroll
        for (int h = 0; h < kHalves; ++h)
          affine_pairs<kBits>(from + 8 * h * kStride, 4 * b + q, bits, w[h]);
#pragma unroll
        for (int n = 0; n < kTiles; ++n)
#pragma unroll
          for (int part = kParts - 1; part >= 0; --part) {
            const uint4 x = inputs.eight(block, n, part, k + 8 * q);
            multiply_add(sums[n], w[0][0], w[1][0], w[0][1], w[1][1], x.x, x.y);
            multiply_add(sums[n], w[0][2], w[1][2], w[0][3], w[1][3], x.z, x.w);
          }
        if (b % kGroup != kGroup - 1 || k >= cols)
          continue;
        float scale[2] = {};
        float bias[2] = {};
#pragma unroll
        for (int h = 0; h < kHalves; ++h) {
          scale[h] =
              affine_scale(format, block.scales + scales[h], k >> kShift);
          bias[h] = affine_scale(format, block.biases + scales[h], k >> kShift);
        }
#pragma unroll
        for (int n = 0; n < kTiles; ++n)
#pragma unroll
          for (int j = 0; j < 4; ++j) {
            const int token =
                kAlone ? 0
                       : min(block.first_token + 8 * n + 2 * q + j % 2,
                             block.tokens - 1);
            const float x = group_sum(
                block.sums + token * static_cast<int>(job.padded / 32) + k / 32,
                kGroup);
            total[n][j] = __fmaf_rn(sums[n][j], scale[j / 2], total[n][j]);
            total[n][j] = __fmaf_rn(x, bias[j / 2], total[n][j]);
          }
      }
      __syncwarp();
      ask();
    }
    keep_partials<kHalves, kTiles, kAlone>(block, tile, total);
  }
}

template <int kBits, int kParts, int kHalves, int kTiles, bool kAlone>
__device__ __forceinline__ void affine_rows(
    const RowsJob& job, const RowsBlock& block) {
  if (job.weight.group == 32)
    affine_group_rows<kBits, 1, kParts, kHalves, kTiles, kAlone>(job, block);
  else if (job.weight.group == 64)
    affine_group_rows<kBits, 2, kParts, kHalves, kTiles, kAlone>(job, block);
  else
    affine_group_rows<kBits, 4, kParts, kHalves, kTiles, kAlone>(job, block);
}

}  // namespace hadal::cuda
