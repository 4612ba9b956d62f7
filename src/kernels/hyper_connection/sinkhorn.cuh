// Sinkhorn's iteration on a 4 x 4 matrix in one thread (hyper_connection.h).
#pragma once

#include <cstdint>

#include "kernels/cuda/sums.cuh"

namespace hadal::cuda {

__device__ inline float quick_reciprocal(float x) {
  float result;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

// factors[i] = 1 / inverses[i]. Two share a reciprocal: the unit that makes
// them takes longer than anything else here.
__device__ inline void invert_four(const float* inverses, float* factors) {
#pragma unroll
  for (int i = 0; i < 4; i += 2) {
    const float both = quick_reciprocal(inverses[i] * inverses[i + 1]);
    factors[i] = inverses[i + 1] * both;
    factors[i + 1] = inverses[i] * both;
  }
}

// The softmax of each row, eps added after the division. comb[4 j + k].
__device__ inline void softmax_of_four(float* comb, float eps) {
#pragma unroll
  for (int j = 0; j < 16; j += 4) {
    const float most =
        fmaxf(fmaxf(comb[j], comb[j + 1]), fmaxf(comb[j + 2], comb[j + 3]));
#pragma unroll
    for (int k = 0; k < 4; ++k)
      comb[j + k] = expf(comb[j + k] - most);
    const float sum = (comb[j] + comb[j + 1]) + (comb[j + 2] + comb[j + 3]);
#pragma unroll
    for (int k = 0; k < 4; ++k)
      comb[j + k] = comb[j + k] / sum + eps;
  }
}

// The same bits, sooner: lane 8 + 4 j + k of the warp brings an entry and gets
// its result.
__device__ inline float softmax_in_lanes(float value, float eps) {
  float most = fmaxf(value, __shfl_xor_sync(kAllLanes, value, 1));
  most = fmaxf(most, __shfl_xor_sync(kAllLanes, most, 2));
  const float power = expf(value - most);
  float sum = power + __shfl_xor_sync(kAllLanes, power, 1);
  sum += __shfl_xor_sync(kAllLanes, sum, 2);
  return power / sum + eps;
}

// comb[4 j + k]: the entries after the softmax, then the result. They stay as
// they are and only factors of the rows and columns change:
// comb = rows[j] * entry * columns[k]. A row that is divided by its sum plus
// eps gets the factor
//   rows[j] / (rows[j] * s + eps) = 1 / (s + eps / rows[j]),
//   s = sum of entry * columns[k],
// and 1 / rows[j] is what was inverted the last time. So a step is a product of
// the matrix with a vector and four inversions, all in registers.
__device__ inline void sinkhorn_of_four(
    float* comb, int64_t iterations, float eps) {
  float rows[4];
  float columns[4];
  float row_inverses[4];
  float column_inverses[4];
#pragma unroll
  for (int i = 0; i < 4; ++i)
    rows[i] = columns[i] = row_inverses[i] = column_inverses[i] = 1;
  const auto divide_columns = [&] {
#pragma unroll
    for (int k = 0; k < 4; ++k)
      column_inverses[k] =
          __fmaf_rn(
              rows[1],
              comb[4 + k],
              __fmaf_rn(rows[0], comb[k], eps * column_inverses[k])) +
          __fmaf_rn(rows[3], comb[12 + k], rows[2] * comb[8 + k]);
    invert_four(column_inverses, columns);
  };
  divide_columns();
  for (int64_t i = 1; i < iterations; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j)
      row_inverses[j] =
          __fmaf_rn(
              columns[1],
              comb[4 * j + 1],
              __fmaf_rn(columns[0], comb[4 * j], eps * row_inverses[j])) +
          __fmaf_rn(columns[3], comb[4 * j + 3], columns[2] * comb[4 * j + 2]);
    invert_four(row_inverses, rows);
    divide_columns();
  }
#pragma unroll
  for (int i = 0; i < 16; ++i)
    comb[i] *= rows[i / 4] * columns[i % 4];
}

}  // namespace hadal::cuda
