// How a warp multiplies a segment of sixteen rows, by format. The rows are two
// times eight, which may belong to two matrices; a lane's rows are number lane
// / 4 of both.
#pragma once

#include "kernels/cuda/sums.cuh"
#include "kernels/cuda/weights.cuh"
#include "kernels/experts/expert_products.h"
#include "kernels/linear/matrix_codes.cuh"

namespace hadal::cuda {

// A lane's row of one of the halves in device memory. For FP8 blocks `scales`
// is the row of blocks.
struct RowSource {
  const std::byte* data;
  const std::byte* scales;
  const std::byte* biases;
};

// A lane's rows of a segment in shared memory.
struct SegmentSource {
  const std::byte* codes[2];   // affine: the row; else the lane's 16 bytes,
  int chunk_bytes;             // and so many to its next
  const std::byte* scales[2];  // the first one of the segment
  const std::byte* biases[2];
};

// A warp's sums of sixteen rows and eight columns, as the instruction has them.
struct GroupSums {
  float total[4] = {};
  uint32_t nan[2] = {};  // not zero: this half's row is NaN
};

// A lane's inputs of a segment in shared memory: a row of numbers a column and
// part, and the sums of eight of them.
struct GroupInputs {
  const std::byte* numbers;  // of this lane's column
  int part_bytes;            // from part to part
  const std::byte* sums;     // of column 0
  int sum_bytes;             // from column to column
  int parts;
  int columns;
  bool exists;  // has this lane a column?

  __device__ uint4 eight(int part, int offset) const {
    return exists ? *reinterpret_cast<const uint4*>(
                        numbers + part * part_bytes + offset)
                  : uint4{0, 0, 0, 0};
  }
  // Of `count` runs of 32 columns from `run` on.
  __device__ float sum(int column, int run, int count) const {
    if (column >= columns)
      return 0;
    const auto* const at =
        reinterpret_cast<const float4*>(sums + column * sum_bytes) + run;
    const auto of = [&](int i) {
      const float4 four = at[i];
      return (four.x + four.y) + (four.z + four.w);
    };
    return count == 1   ? of(0)
           : count == 2 ? of(0) + of(1)
                        : (of(0) + of(1)) + (of(2) + of(3));
  }
};

// Four instructions, whose inputs lie at these offsets.
__device__ inline void multiply_step(
    const Pair (&w)[2][8],
    const GroupInputs& inputs,
    int first,
    int second,
    float (&sums)[4]) {
  const auto multiply_part = [&](int part) {
    const uint4 low = inputs.eight(part, first);
    const uint4 high = inputs.eight(part, second);
    multiply_add(sums, w[0][0], w[1][0], w[0][1], w[1][1], low.x, low.y);
    multiply_add(sums, w[0][2], w[1][2], w[0][3], w[1][3], low.z, low.w);
    multiply_add(sums, w[0][4], w[1][4], w[0][5], w[1][5], high.x, high.y);
    multiply_add(sums, w[0][6], w[1][6], w[0][7], w[1][7], high.z, high.w);
  };
#pragma unroll 1
  for (int part = inputs.parts - 1; part > 0; --part)
    multiply_part(part);
  multiply_part(0);
}

// What tiny numbers (matrix_product.cuh) are multiplied with for an E8M0 scale:
// with one part they stay 2^-40 times too small.
template <int kTinyExponent, int kBits>
__device__ Pair row_factor(uint32_t scale, bool exact, uint32_t& nan) {
  if (exact)
    return e8m0_pair(scale);
  nan |= scale > kLargestScale ? 1 : 0;
  return tiny_factor<kTinyExponent - 40>(
      kBits == 8 ? max(scale, kSmallestScale) : scale);
}

template <int kTinyExponent>
__device__ void scale_pairs(Pair factor, bool exact, Pair (&w)[8]) {
  if (exact) {
#pragma unroll
    for (Pair& pair : w)
      pair = multiply(pair, power_of_two(kTinyExponent));
  }
#pragma unroll
  for (Pair& pair : w)
    pair = multiply(pair, factor);
}

// The 16 bytes of a chunk and half.
__device__ inline uint4 codes_of(
    const SegmentSource& from, int chunk, int half) {
  return *reinterpret_cast<const uint4*>(
      from.codes[half] + chunk * from.chunk_bytes);
}

// What a format says of itself: 16-byte chunks of a lane and row in a segment
// (affine: none, a row's segment has 16 * bits bytes), where in a segment's
// numbers lane q begins and run r of eight numbers (two instructions) follows,
// how many segments a piece of the stream has, and the bytes of the scales of a
// segment: of a row, or of FP8 blocks of all eight rows of a half.
struct Bf16Rows {
  static constexpr int kChunks = 4;
  static constexpr int kPieceSegments = 8;
  static constexpr bool kGroupScales = false;
  static constexpr bool kBlockScales = false;
  static constexpr int kScaleBytes = 0;
  __device__ static int input_lane(int q) { return 16 * q; }
  __device__ static constexpr int input_run(int run) { return 64 * run; }
  __device__ static void multiply(
      const WeightView&,
      const SegmentSource& from,
      int,
      const GroupInputs& inputs,
      int,
      GroupSums& sums) {
#pragma unroll
    for (int step = 0; step < 2; ++step) {
      Pair w[2][8];
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const uint4 chunks[2] = {
            codes_of(from, 2 * step, h), codes_of(from, 2 * step + 1, h)};
        bf16_pairs(chunks, w[h]);
      }
      multiply_step(
          w, inputs, input_run(2 * step), input_run(2 * step + 1), sums.total);
    }
  }
  __device__ static void finish(bool, GroupSums&) {}
};

enum class E4m3Scale : uint8_t { block, block_apart, group };

template <E4m3Scale kScale>
struct E4m3Rows {
  static constexpr int kChunks = 2;
  static constexpr int kPieceSegments = 8;
  static constexpr bool kGroupScales = kScale == E4m3Scale::group;
  static constexpr bool kBlockScales = !kGroupScales;
  static constexpr int kScaleBytes = kScale == E4m3Scale::block ? 1 : 4;
  __device__ static int input_lane(int q) { return 32 * q; }
  __device__ static constexpr int input_run(int run) {
    return 128 * (run / 2) + 16 * (run % 2);
  }
  __device__ static void multiply(
      const WeightView&,
      const SegmentSource& from,
      int,
      const GroupInputs& inputs,
      int q,
      GroupSums& sums) {
    float segment[4] = {};
    Pair factor[2];
#pragma unroll
    for (int step = 0; step < 2; ++step) {
      Pair w[2][8];
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        e4m3_pairs(codes_of(from, step, h), sums.nan[h], w[h]);
        if constexpr (kScale == E4m3Scale::block_apart) {
#pragma unroll
          for (Pair& pair : w[h])
            pair = hadal::cuda::multiply(pair, power_of_two(120));
        } else {
          if (kGroupScales || step == 0)
            factor[h] = row_factor<120, 8>(
                static_cast<uint32_t>(
                    from.scales[h][kGroupScales ? 2 * step + q / 2 : 0]),
                inputs.parts != 1,
                sums.nan[h]);
          scale_pairs<120>(factor[h], inputs.parts != 1, w[h]);
        }
      }
      multiply_step(
          w,
          inputs,
          input_run(2 * step),
          input_run(2 * step + 1),
          kScale == E4m3Scale::block_apart ? segment : sums.total);
    }
    if constexpr (kScale == E4m3Scale::block_apart) {
#pragma unroll
      for (int j = 0; j < 4; ++j)
        sums.total[j] = __fmaf_rn(
            segment[j],
            *reinterpret_cast<const float*>(from.scales[j / 2]),
            sums.total[j]);
    }
  }
  __device__ static void finish(bool exact, GroupSums& sums) {
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      sums.nan[h] |= __shfl_xor_sync(kAllLanes, sums.nan[h], 1);
      sums.nan[h] |= __shfl_xor_sync(kAllLanes, sums.nan[h], 2);
#pragma unroll
      for (int j = 2 * h; j < 2 * h + 2; ++j) {
        if (kScale != E4m3Scale::block_apart && !exact)
          sums.total[j] *= kTinyWeights;
        if (sums.nan[h] != 0)
          sums.total[j] = __uint_as_float(kFloatNan);
      }
    }
  }
};

struct E2m1Rows {
  static constexpr int kChunks = 1;
  static constexpr int kPieceSegments = 16;
  static constexpr bool kGroupScales = true;
  static constexpr bool kBlockScales = false;
  static constexpr int kScaleBytes = 4;
  __device__ static int input_lane(int q) { return 64 * q; }
  __device__ static constexpr int input_run(int run) { return 16 * run; }
  __device__ static void multiply(
      const WeightView&,
      const SegmentSource& from,
      int,
      const GroupInputs& inputs,
      int q,
      GroupSums& sums) {
    uint4 codes[2];
    Pair factor[2];
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      codes[h] = codes_of(from, 0, h);
      factor[h] = row_factor<126, 4>(
          static_cast<uint32_t>(from.scales[h][q]),
          inputs.parts != 1,
          sums.nan[h]);
    }
#pragma unroll
    for (int step = 0; step < 2; ++step) {
      Pair w[2][8];
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        e2m1_pairs(
            step == 0 ? codes[h].x : codes[h].z,
            step == 0 ? codes[h].y : codes[h].w,
            w[h]);
        scale_pairs<126>(factor[h], inputs.parts != 1, w[h]);
      }
      multiply_step(
          w, inputs, input_run(2 * step), input_run(2 * step + 1), sums.total);
    }
  }
  __device__ static void finish(bool exact, GroupSums& sums) {
    E4m3Rows<E4m3Scale::group>::finish(exact, sums);
  }
};

}  // namespace hadal::cuda
