// Arithmetic of the hyper-connections by clusters: quads of channels and the
// orders of the sums.
#pragma once

#include <cstdint>

#include "kernels/cuda/sums.cuh"
#include "kernels/weight_view.h"

namespace hadal::mixing {

__device__ inline float sigmoid(float x) {
  return 1 / (1 + expf(-x));
}

__device__ inline float4 float4_at(const float* from) {
  return *reinterpret_cast<const float4*>(from);
}

// Four weights of a row.
__device__ inline float4 weights_at(
    const WeightView& fn, int64_t row, int64_t channel) {
  const std::byte* const from = fn.data + row * fn.row_bytes;
  if (fn.format == WeightFormat::f32)
    return float4_at(reinterpret_cast<const float*>(from) + channel);
  const uint2 bits = *reinterpret_cast<const uint2*>(
      reinterpret_cast<const uint16_t*>(from) + channel);
  return {
      __uint_as_float(bits.x << 16),
      __uint_as_float(bits.x & 0xFFFF0000),
      __uint_as_float(bits.y << 16),
      __uint_as_float(bits.y & 0xFFFF0000)};
}

__device__ inline float dot(float4 a, float4 b, float sum) {
  sum = __fmaf_rn(a.x, b.x, sum);
  sum = __fmaf_rn(a.y, b.y, sum);
  sum = __fmaf_rn(a.z, b.z, sum);
  return __fmaf_rn(a.w, b.w, sum);
}

__device__ inline float4 add_scaled(float factor, float4 a, float4 sum) {
  return {
      __fmaf_rn(factor, a.x, sum.x),
      __fmaf_rn(factor, a.y, sum.y),
      __fmaf_rn(factor, a.z, sum.z),
      __fmaf_rn(factor, a.w, sum.w)};
}

// values[i * step], i increasing, in four sums that are joined as a tree: none
// waits long for another.
template <int kCount>
__device__ float sum_in_order(const float* values, int step) {
  static_assert(kCount % 4 == 0);
  float sums[4] = {0, 0, 0, 0};
#pragma unroll
  for (int i = 0; i < kCount; i += 4)
#pragma unroll
    for (int k = 0; k < 4; ++k)
      sums[k] += values[(i + k) * step];
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// Sums of kCount values over the eight lanes that differ in their lowest three
// bits. Half of the lanes go on with half of the values each time; returns the
// index of the sum that this lane ends with, in values[0], or -1.
template <int kCount>
__device__ int sum_over_eight(float* values, int lane) {
  int first = 0;
  int mine = kCount;
  int count = kCount;
#pragma unroll
  for (int step = 4; step > 0; step /= 2) {
    const bool upper = (lane & step) != 0;
    const int half = (count + 1) / 2;
#pragma unroll
    for (int i = 0; i < kCount; ++i) {
      if (i >= half)
        break;
      const float other = i + half < count ? values[i + half] : 0;
      const float sent = upper ? values[i] : other;
      values[i] = (upper ? other : values[i]) +
                  __shfl_xor_sync(cuda::kAllLanes, sent, step);
    }
    first += upper ? half : 0;
    mine = upper ? mine - half : min(mine, half);
    count = half;
  }
  return mine > 0 ? first : -1;
}

}  // namespace hadal::mixing
