// The row kernels' loops over formats whose 16 bytes of a lane are columns of
// one row: BF16, E4M3 and E2M1. A lane copies what it reads itself.
#pragma once

#include "kernels/linear/matrix_rows.cuh"

namespace hadal::cuda {

// The scale of a lane's columns from k on as E8M0, 1 beyond the last column.
__device__ inline uint32_t e8m0_scale(
    int cols, const std::byte* row, int k, int shift) {
  return k < cols ? reinterpret_cast<const uint8_t*>(row)[k >> shift] : 127;
}

// Step `step` of a row as pairs. With bfloat16 activations weights with an E8M0
// scale come times 2^-40; `nan` is set when an output must be one.
template <class Codes, bool kApart, bool kRounded>
__device__ void step_pairs(
    int cols,
    const uint4 (&chunks)[Codes::kChunks],
    const std::byte* scales,
    int k0,
    int step,
    int q,
    int shift,
    uint32_t& nan,
    Pair (&w)[8]) {
  if constexpr (Codes::kColumns == Bf16Codes::kColumns) {
    bf16_pairs(chunks, w);
    return;
  }
  constexpr bool kFp4 = Codes::kChunks == 1;
  Pair tiny = power_of_two(kFp4 ? 126 : 120);
  Pair factor = 0;
  if constexpr (!kApart) {
    const int k = k0 + (kFp4 ? 32 * q : Codes::input(step, q));
    uint32_t scale = e8m0_scale(cols, scales, k, shift);
    if constexpr (kRounded) {
      if (scale > kLargestScale)
        nan = 1;
      if constexpr (kFp4)
        tiny = tiny_factor<kE2m1Exponent>(scale);
      else
        tiny = tiny_factor<kE4m3Exponent>(max(scale, kSmallestScale));
    } else {
      factor = e8m0_pair(scale);
    }
  }
  if constexpr (kFp4) {
    const uint4& all = chunks[0];
    e2m1_pairs(step == 0 ? all.x : all.z, step == 0 ? all.y : all.w, w);
  } else {
    e4m3_pairs(chunks[step], nan, w);
  }
#pragma unroll
  for (int j = 0; j < 8; ++j) {
    w[j] = multiply(w[j], tiny);
    if constexpr (!kApart && !kRounded)
      w[j] = multiply(w[j], factor);
  }
}

// What was left out of the numbers: the factor of tiny weights (`kTiny`), and
// NaN.
template <bool kTiny, int kTiles>
__device__ void finish_numbers(uint32_t (&nan)[2], RowsSums<kTiles>& total) {
#pragma unroll
  for (int h = 0; h < 2; ++h) {
    // A quad's lanes have a row in common.
    nan[h] |= __shfl_xor_sync(kAllLanes, nan[h], 1);
    nan[h] |= __shfl_xor_sync(kAllLanes, nan[h], 2);
#pragma unroll
    for (int n = 0; n < kTiles; ++n)
#pragma unroll
      for (int j = 2 * h; j < 2 * h + 2; ++j) {
        if (kTiny)
          total[n][j] *= kTinyWeights;
        if (nan[h] != 0)
          total[n][j] = __uint_as_float(kFloatNan);
      }
  }
}

template <
    class Codes,
    bool kApart,
    int kParts,
    int kHalves,
    int kTiles,
    bool kAlone>
__device__ __forceinline__ void lane_rows(
    const RowsJob& job, const RowsBlock& block) {
  constexpr bool kRounded = kParts == 1;
  constexpr int kRows = 8 * kHalves;
  constexpr int kHalfBytes = 512 * Codes::kChunks;  // of a stage
  constexpr int kStageBytes = kHalves * kHalfBytes;
  constexpr int kStages = stages_of(kStageBytes);
  constexpr int kRowBytes = 64 * Codes::kChunks;
  constexpr int kPerSegment =
      static_cast<int>(kSegmentColumns) / Codes::kColumns;
  const WeightView& weight = job.weight;
  const int warp = threadIdx.x / kWarp;
  const int lane = threadIdx.x % kWarp;
  const int g = lane / 4;
  const int q = lane % 4;
  const bool blocks = weight.format == WeightFormat::fp8_block;
  const int shift = blocks ? 7 : 5;
  const int cols = static_cast<int>(weight.cols);
  const int used = cols * kRowBytes / Codes::kColumns;
  const int last_row = static_cast<int>(weight.rows) - 1;
  const int segments = static_cast<int>(job.padded / kSegmentColumns);
  // Stages of a tile that are this warp's, and stage i counted in the row.
  const int count = (segments - warp + kPartials - 1) / kPartials * kPerSegment;
  const auto stage_of = [&](int i) {
    return (warp + i / kPerSegment * kPartials) * kPerSegment + i % kPerSegment;
  };

  // What is asked for next: stage ask_i of tile ask_tile, into slot ask_slot.
  int ask_i = 0;
  int ask_tile = count == 0 ? block.tiles : 0;
  int ask_slot = 0;
  const std::byte* rows[kHalves];
  const auto begin_tile = [&] {
#pragma unroll
    for (int h = 0; h < kHalves; ++h) {
      // Rows beyond the last are read as the last, and not written.
      const int row =
          min(block.first_row + ask_tile * kRows + 8 * h + g, last_row);
      rows[h] = weight.data + row * weight.row_bytes + 16 * q;
    }
  };
  const auto ask = [&] {
    if (ask_tile < block.tiles) {
      const int at = stage_of(ask_i) * kRowBytes;
      std::byte* const to = block.ring + ask_slot * kStageBytes + 16 * lane;
#pragma unroll
      for (int h = 0; h < kHalves; ++h)
#pragma unroll
        for (int c = 0; c < Codes::kChunks; ++c) {
          const bool exists = at + 64 * c + 16 * q < used;
          copy_16(
              to + h * kHalfBytes + 512 * c,
              rows[h] + (exists ? at + 64 * c : -16 * q),
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
    const std::byte* scales[kHalves];
#pragma unroll
    for (int h = 0; h < kHalves; ++h) {
      const int row = min(block.first_row + tile * kRows + 8 * h + g, last_row);
      const int scale_row =
          blocks ? row / 128 - block.first_row / 128 : row - block.first_row;
      scales[h] =
          block.scales + scale_row * static_cast<int>(weight.scale_stride);
    }
    RowsSums<kTiles> total = {};
    uint32_t nan[2] = {};
    for (int i = 0; i < count; ++i) {
      wait_for_copies<kStages - 1>();
      uint4 chunks[kHalves][Codes::kChunks];
      const std::byte* const from = block.ring + slot * kStageBytes + 16 * lane;
      slot = slot + 1 == kStages ? 0 : slot + 1;
#pragma unroll
      for (int h = 0; h < kHalves; ++h)
#pragma unroll
        for (int c = 0; c < Codes::kChunks; ++c)
          chunks[h][c] =
              *reinterpret_cast<const uint4*>(from + h * kHalfBytes + 512 * c);
      ask();
      const int k0 = stage_of(i) * Codes::kColumns;
      RowsSums<kTiles> segment = {};
      RowsSums<kTiles>& sums = kApart ? segment : total;
#pragma unroll
      for (int step = 0; step < Codes::kSteps; ++step) {
        Pair w[2][8] = {};
#pragma unroll
        for (int h = 0; h < kHalves; ++h)
          step_pairs<Codes, kApart, kRounded>(
              cols, chunks[h], scales[h], k0, step, q, shift, nan[h], w[h]);
        const int at = k0 + Codes::input(step, q);
#pragma unroll
        for (int n = 0; n < kTiles; ++n)
#pragma unroll
          for (int part = kParts - 1; part >= 0; --part) {
            const uint4 low = inputs.eight(block, n, part, at);
            const uint4 high =
                inputs.eight(block, n, part, at + Codes::kSecond);
            const Pair b[8] = {
                low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
            for (int j = 0; j < 8; j += 2)
              multiply_add(
                  sums[n],
                  w[0][j],
                  w[1][j],
                  w[0][j + 1],
                  w[1][j + 1],
                  b[j],
                  b[j + 1]);
          }
      }
      if constexpr (kApart) {
        const float scale =
            stored_number(weight.scale_format, scales[0], k0 / 128);
#pragma unroll
        for (int n = 0; n < kTiles; ++n)
#pragma unroll
          for (int j = 0; j < 4; ++j)
            total[n][j] = __fmaf_rn(segment[n][j], scale, total[n][j]);
      }
    }
    if constexpr (Codes::kColumns != Bf16Codes::kColumns)
      finish_numbers<!kApart && kRounded, kTiles>(nan, total);
    keep_partials<kHalves, kTiles, kAlone>(block, tile, total);
  }
}

}  // namespace hadal::cuda
