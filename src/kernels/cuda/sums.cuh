// Sums and maxima over a warp or a block in an order that depends on their size
// alone.
#pragma once

#include <cstdint>

namespace hadal::cuda {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFF;

// Every lane gets the same bits.
__device__ inline float warp_sum(float value) {
  for (int step = kWarp / 2; step > 0; step /= 2)
    value += __shfl_xor_sync(kAllLanes, value, step);
  return value;
}

__device__ inline float warp_max(float value) {
  for (int step = kWarp / 2; step > 0; step /= 2)
    value = fmaxf(value, __shfl_xor_sync(kAllLanes, value, step));
  return value;
}

__device__ inline uint32_t warp_max(uint32_t value) {
  for (int step = kWarp / 2; step > 0; step /= 2)
    value = max(value, __shfl_xor_sync(kAllLanes, value, step));
  return value;
}

// Of all threads of a block of kThreads; every thread gets it. `scratch` holds
// kThreads / 32 values in shared memory and may be used again at once.
template <int kThreads>
__device__ float block_sum(float value, float* scratch) {
  constexpr int kWarps = kThreads / kWarp;
  value = warp_sum(value);
  if (threadIdx.x % kWarp == 0)
    scratch[threadIdx.x / kWarp] = value;
  __syncthreads();
  float sum = 0;
  for (int i = 0; i < kWarps; ++i)
    sum += scratch[i];
  __syncthreads();
  return sum;
}

template <int kThreads>
__device__ float block_max(float value, float* scratch) {
  constexpr int kWarps = kThreads / kWarp;
  value = warp_max(value);
  if (threadIdx.x % kWarp == 0)
    scratch[threadIdx.x / kWarp] = value;
  __syncthreads();
  float most = scratch[0];
  for (int i = 1; i < kWarps; ++i)
    most = fmaxf(most, scratch[i]);
  __syncthreads();
  return most;
}

}  // namespace hadal::cuda
