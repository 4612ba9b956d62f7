// How a warp multiplies a segment of affine weights (expert_rows.cuh).
#pragma once

#include "kernels/experts/expert_rows.cuh"

namespace hadal::cuda {

__device__ inline int affine_scale_bytes(const WeightView& like) {
  return like.scale_format == ScaleFormat::f32 ? 4 : 2;
}

// Affine codes of kBits (0: of 3, 5 or 6).
template <int kBits>
struct AffineRows {
  static constexpr int kChunks = 0;
  static constexpr int kMostBits = kBits == 0 ? 6 : kBits;
  static constexpr int kPieceSegments = kBits != 0 && kBits <= 4 ? 16 : 8;
  static constexpr bool kGroupScales = false;
  static constexpr bool kBlockScales = false;
  static constexpr int kScaleBytes = 0;  // a matter of the group
  __device__ static int input_lane(int q) { return 16 * q; }
  __device__ static constexpr int input_run(int run) { return 64 * run; }
  __device__ static void multiply(
      const WeightView& like,
      const SegmentSource& from,
      int segment,
      const GroupInputs& inputs,
      int q,
      GroupSums& sums) {
    const int bits = kBits == 0 ? like.bits : kBits;
    // Runs of 32 columns that share a scale, as a power of two.
    const int shift = like.group == 32 ? 0 : like.group == 64 ? 1 : 2;
    const int mask = (1 << shift) - 1;
    float part_sums[4];
#pragma unroll
    for (int run = 0; run < 4; ++run) {
      if ((run & mask) == 0) {
#pragma unroll
        for (float& sum : part_sums)
          sum = 0;
      }
      Pair w[2][4];
#pragma unroll
      for (int h = 0; h < 2; ++h)
        affine_pairs<kBits>(from.codes[h], 4 * run + q, bits, w[h]);
#pragma unroll 1
      for (int part = inputs.parts - 1; part >= 0; --part) {
        const uint4 x = inputs.eight(part, input_run(run));
        multiply_add(part_sums, w[0][0], w[1][0], w[0][1], w[1][1], x.x, x.y);
        multiply_add(part_sums, w[0][2], w[1][2], w[0][3], w[1][3], x.z, x.w);
      }
      if ((run & mask) != mask || segment * 128 + 32 * run >= like.cols)
        continue;
      const float x[2] = {
          inputs.sum(2 * q, run - mask, mask + 1),
          inputs.sum(2 * q + 1, run - mask, mask + 1)};
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const float scale =
            stored_number(like.scale_format, from.scales[h], run >> shift);
        const float bias =
            stored_number(like.scale_format, from.biases[h], run >> shift);
#pragma unroll
        for (int j = 0; j < 2; ++j) {
          float& total = sums.total[2 * h + j];
          total = __fmaf_rn(part_sums[2 * h + j], scale, total);
          total = __fmaf_rn(x[j], bias, total);
        }
      }
    }
  }
  __device__ static void finish(bool, GroupSums&) {}
};

}  // namespace hadal::cuda
