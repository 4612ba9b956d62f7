// Scores of FP4 rows on the matrix instructions: heads are its rows, stored
// rows its columns, and both sides are bfloat16 numbers (E2M1 times a power of
// two).
//
// A thread of column n has a quarter of row n's channels, 8, 16 or 32 of them,
// so they share one scale. A step of the instruction takes four of these from
// each of the four threads: of the eight codes in a word, codes i and i + 4
// make a pair, since shifting the word by 4 i brings both to the same place.
// The queries lie in the same order.
#pragma once

#include "kernels/codecs/row_codec.h"
#include "kernels/cuda/sums.cuh"
#include "kernels/cuda/wait.cuh"
#include "kernels/indexer/index_call.cuh"
#include "kernels/sparse_attention/key_tile.cuh"

namespace hadal::cuda {

constexpr int kScoreThreads = 384;  // one block a multiprocessor
constexpr int kScoreWarps = kScoreThreads / kWarp;
constexpr int kGroupRows = 32;  // that a warp copies at a time
constexpr int kStages = 3;      // groups on their way or at work

// kTiles: times 16 heads. kSteps: times 16 channels.
template <int kTiles, int kSteps>
struct ScoreShape {
  static constexpr int kDim = kSteps * 16;
  static constexpr int kWords = kDim / 32;  // of codes, a thread's
  static constexpr int kRowBytes =
      kDim / 2 + kDim / 32 + (4 - (kDim / 2 + kDim / 32) % 4) % 4;
  static constexpr int kQueryStride = kDim / 2 + 4;  // pairs
  static constexpr int kQueryBytes = kTiles * 16 * kQueryStride * 4;
  static constexpr int kStageBytes = kGroupRows * kRowBytes;
  static constexpr int kBytes =
      kQueryBytes + kScoreWarps * kStages * kStageBytes;
};

// To the nearest of 0, 0.5, 1, 1.5, 2, 3, 4, 6, ties to the even code; |x| is
// at most 6 but for its own rounding.
__device__ inline float round_to_e2m1(float x) {
  constexpr float kWhole = 0x1.8p23F;  // adding it rounds to whole numbers
  const float size = fabsf(x);
  const float magic = size < 2 ? kWhole * 0.5F : size < 4 ? kWhole : kWhole * 2;
  return copysignf(fminf((size + magic) - magic, 6.0F), x);
}

// Queries are multiplied by this and rows divided by it: so one product brings
// a row's number from where its bits are moved to (widen_pair) to its size.
constexpr float kQueryFactor = 0x1p64F;

// The token's queries rounded to FP4, as pairs; of heads that are not, zeros.
template <int kTiles, int kSteps>
__device__ void round_queries(
    const IndexerParams& params, int64_t token, Pair* queries) {
  using Shape = ScoreShape<kTiles, kSteps>;
  constexpr int kBlocks = Shape::kDim / 32;  // a head
  const float* const q = params.q + token * params.heads * Shape::kDim;
  for (int b = threadIdx.x; b < kTiles * 16 * kBlocks; b += kScoreThreads) {
    const int head = b / kBlocks;
    Pair* const out = queries + head * Shape::kQueryStride + b % kBlocks * 16;
    float x[32] = {};
    if (head < params.heads)
#pragma unroll
      for (int i = 0; i < 32; i += 4)
        *reinterpret_cast<float4*>(x + i) =
            *reinterpret_cast<const float4*>(q + b * 32 + i);
    float most[4] = {};
#pragma unroll
    for (int i = 0; i < 32; ++i)
      most[i % 4] = fmaxf(most[i % 4], fabsf(x[i]));
    const float largest =
        fmaxf(fmaxf(most[0], most[1]), fmaxf(most[2], most[3]));
    const float scale = fp4_block_scale(__float_as_uint(largest));
    const float inverse = 1.0F / scale;
#pragma unroll
    for (int i = 0; i < 32; ++i)
      x[i] = round_to_e2m1(x[i] * inverse) * (scale * kQueryFactor);
#pragma unroll
    for (int word = 0; word < 4; ++word)
#pragma unroll
      for (int i = 0; i < 4; ++i)
        out[word * 4 + i] = bf16_pair(x[word * 8 + i], x[word * 8 + i + 4]);
  }
}

// A warp copies the rows of a group that are visible.
template <int kRowBytes>
__device__ void copy_group(
    const PagedRows& rows,
    int page_shift,
    int group,
    int visible,
    std::byte* to) {
  const int lane = threadIdx.x % kWarp;
  const int first = group * kGroupRows;
  if (first >= visible)
    return;
  const int in_page = (1 << page_shift) - 1;
  const std::byte* const from =
      rows.pages[first >> page_shift] +
      static_cast<int64_t>(first & in_page) * kRowBytes;
  const bool together = in_page + 1 >= kGroupRows &&
                        first + kGroupRows <= visible &&
                        reinterpret_cast<uintptr_t>(from) % 16 == 0;
  if (together) {
    constexpr int kBytes = kGroupRows * kRowBytes;
#pragma unroll
    for (int i = 0; i < kBytes; i += kWarp * 16)
      if (i + lane * 16 < kBytes)
        copy_ahead<16>(to + i + lane * 16, from + i + lane * 16);
    return;
  }
  const int row = first + lane;
  if (row >= visible)
    return;
  const std::byte* const mine = rows.pages[row >> page_shift] +
                                static_cast<int64_t>(row & in_page) * kRowBytes;
#pragma unroll 1
  for (int i = 0; i < kRowBytes; i += 4)
    copy_ahead<4>(to + lane * kRowBytes + i, mine + i);
}

// The factor of codes of a block: 2^126, since they are tiny numbers first,
// times its scale, over kQueryFactor.
__device__ inline Pair row_factor(uint32_t scale_code) {
  const uint32_t bits = min(scale_code + 62, 255U) << 7;
  return bits << 16 | bits;
}

// Codes i and i + 4 of a word, times the factor.
__device__ inline Pair widen_pair(uint32_t word, int i, Pair factor) {
  const uint32_t codes = word >> (4 * i);
  const Pair tiny = ((codes << 12) & 0x80008000) | ((codes << 6) & 0x01C001C0);
  return multiply_pairs(tiny, factor);
}

// Keys [tokens of the launch, stride] of the visible rows. Grid: groups of rows
// by strides, tokens. Nothing is done for tokens that take all rows.
template <int kTiles, int kSteps>
__global__ void __launch_bounds__(kScoreThreads, 1) score_kernel(
    IndexCall call, int page_shift, uint32_t* keys, int64_t stride) {
  using Shape = ScoreShape<kTiles, kSteps>;
  extern __shared__ __align__(16) std::byte memory[];
  auto* const queries = reinterpret_cast<Pair*>(memory);
  const int warp = threadIdx.x / kWarp;
  const int lane = threadIdx.x % kWarp;
  std::byte* const stages =
      memory + Shape::kQueryBytes + warp * kStages * Shape::kStageBytes;
  const IndexPlace place = call.place(blockIdx.y);
  const IndexerParams& params = call.sequences[place.sequence];
  const int visible = visible_rows(params, place.token);
  const int groups = (visible + kGroupRows - 1) / kGroupRows;
  // Short lists are spread over the blocks first.
  const int first = warp * static_cast<int>(gridDim.x) + blockIdx.x;
  const int step = static_cast<int>(gridDim.x) * kScoreWarps;
  wait_for_predecessor();
  let_successor_start();
  if (visible <= params.top_k || static_cast<int>(blockIdx.x) >= groups)
    return;

  const PagedRows rows = params.rows;
  for (int stage = 0; stage < kStages - 1; ++stage) {
    copy_group<Shape::kRowBytes>(
        rows,
        page_shift,
        first + stage * step,
        visible,
        stages + stage * Shape::kStageBytes);
    end_of_copies();
  }
  round_queries<kTiles, kSteps>(params, place.token, queries);
  __syncthreads();

  // The queries and weights that this thread needs for every row.
  Pair q[kSteps][kTiles][4];
  float weights[kTiles][2];
  const int part = lane % 4;  // of the channels
#pragma unroll
  for (int tile = 0; tile < kTiles; ++tile)
#pragma unroll
    for (int half = 0; half < 2; ++half) {
      const int head = tile * 16 + half * 8 + lane / 4;
      weights[tile][half] =
          head < params.heads
              ? params.weights[place.token * params.heads + head] *
                    params.weight_scale
              : 0.0F;
      const Pair* const mine =
          queries + head * Shape::kQueryStride + part * Shape::kWords * 4;
#pragma unroll
      for (int k = 0; k < kSteps; ++k) {
        q[k][tile][half] = mine[2 * k];
        q[k][tile][half + 2] = mine[2 * k + 1];
      }
    }

  int stage = 0;
  for (int group = first; group < groups; group += step) {
    asm volatile("cp.async.wait_group %0;" ::"n"(kStages - 2) : "memory");
    __syncwarp();
    // The stage that was emptied last.
    copy_group<Shape::kRowBytes>(
        rows,
        page_shift,
        group + (kStages - 1) * step,
        visible,
        stages + (stage + kStages - 1) % kStages * Shape::kStageBytes);
    end_of_copies();
    const std::byte* const held = stages + stage * Shape::kStageBytes;
    stage = (stage + 1) % kStages;
    for (int columns = 0; columns < kGroupRows; columns += 8) {
      const std::byte* const row =
          held + (columns + lane / 4) * Shape::kRowBytes;
      const auto* const words =
          reinterpret_cast<const uint32_t*>(row) + part * Shape::kWords;
      const auto* const scales =
          reinterpret_cast<const uint8_t*>(row) + Shape::kDim / 2;
      const Pair factor =
          row_factor(scales[part * Shape::kWords * 8 / kFp4RowBlock]);
      float dots[kTiles][4] = {};
#pragma unroll
      for (int w = 0; w < Shape::kWords; ++w) {
        const uint32_t word = words[w];
#pragma unroll
        for (int k = 0; k < 2; ++k) {
          const Pair b0 = widen_pair(word, 2 * k, factor);
          const Pair b1 = widen_pair(word, 2 * k + 1, factor);
#pragma unroll
          for (int tile = 0; tile < kTiles; ++tile)
            multiply_tiles(dots[tile], q[2 * w + k][tile], b0, b1);
        }
      }
      float scores[2] = {0, 0};
#pragma unroll
      for (int tile = 0; tile < kTiles; ++tile)
#pragma unroll
        for (int i = 0; i < 4; ++i)
          scores[i % 2] = __fmaf_rn(
              weights[tile][i / 2], fmaxf(dots[tile][i], 0), scores[i % 2]);
#pragma unroll
      for (int i = 0; i < 2; ++i)
#pragma unroll
        for (int lanes = 4; lanes < kWarp; lanes *= 2)
          scores[i] += __shfl_xor_sync(kAllLanes, scores[i], lanes);
      if (lane < 4) {
        const int at = group * kGroupRows + columns + 2 * lane;
        *reinterpret_cast<uint2*>(keys + blockIdx.y * stride + at) = {
            ordered_key(scores[0]), ordered_key(scores[1])};
      }
    }
    __syncwarp();
  }
}

}  // namespace hadal::cuda
