// Sinkhorn's iteration on a 4 x 4 matrix by one warp (hyper_connection.h).
#pragma once

#include <cstdint>

#include "kernels/cuda/sums.cuh"

namespace hadal::cuda {

__device__ inline float quick_reciprocal(float x) {
  float result;
  asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
}

// factors[i] /= factors[i] * sums[i] + eps. Two share a reciprocal: of the four
// steps one after the other it is the longest.
__device__ inline void divide_factors(
    float* factors, const float* sums, float eps) {
  float whole[4];
  for (int i = 0; i < 4; ++i)
    whole[i] = __fmaf_rn(factors[i], sums[i], eps);
  for (int i = 0; i < 4; i += 2) {
    const float both = quick_reciprocal(whole[i] * whole[i + 1]);
    const float first = factors[i] * whole[i + 1];
    const float second = factors[i + 1] * whole[i];
    factors[i] = first * both;
    factors[i + 1] = second * both;
  }
}

// Lane 8 + 4 j + k of the warp brings entry (j, k) before the softmax; every
// lane gets the result, comb[4 j + k]. The matrix stays as the softmax left it
// and only the factors of its rows and columns change: comb = rows[j] * entry *
// columns[k]. So an iteration is two products of a matrix with a vector, in one
// thread, without a word from another lane.
__device__ inline void sinkhorn_of_four(
    float value, int64_t iterations, float eps, float* comb) {
  float most = fmaxf(value, __shfl_xor_sync(kAllLanes, value, 1));
  most = fmaxf(most, __shfl_xor_sync(kAllLanes, most, 2));
  const float power = expf(value - most);
  float sum = power + __shfl_xor_sync(kAllLanes, power, 1);
  sum += __shfl_xor_sync(kAllLanes, sum, 2);
  const float entry = power / sum + eps;
#pragma unroll
  for (int i = 0; i < 16; ++i)
    comb[i] = __shfl_sync(kAllLanes, entry, 8 + i);

  float rows[4];
  float columns[4];
#pragma unroll
  for (int i = 0; i < 4; ++i) {
    rows[i] = 1;
    columns[i] = 1;
  }
  const auto divide_columns = [&] {
    float sums[4];
#pragma unroll
    for (int k = 0; k < 4; ++k)
      sums[k] = __fmaf_rn(rows[1], comb[4 + k], rows[0] * comb[k]) +
                __fmaf_rn(rows[3], comb[12 + k], rows[2] * comb[8 + k]);
    divide_factors(columns, sums, eps);
  };
  divide_columns();
  for (int64_t i = 1; i < iterations; ++i) {
    float sums[4];
#pragma unroll
    for (int j = 0; j < 4; ++j)
      sums[j] =
          __fmaf_rn(columns[1], comb[4 * j + 1], columns[0] * comb[4 * j]) +
          __fmaf_rn(columns[3], comb[4 * j + 3], columns[2] * comb[4 * j + 2]);
    divide_factors(rows, sums, eps);
    divide_columns();
  }
#pragma unroll
  for (int i = 0; i < 16; ++i)
    comb[i] *= rows[i / 4] * columns[i % 4];
}

}  // namespace hadal::cuda
