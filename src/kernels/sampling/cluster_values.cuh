// Sums, maxima and places over all threads of a cluster of sixteen blocks of
// 512 threads, in whole numbers, so in any order.
#pragma once

#include <cstdint>

#include "kernels/cuda/cluster.cuh"
#include "kernels/cuda/sums.cuh"

namespace hadal::cuda {

constexpr int kClusterBlocks = 16;
constexpr int kClusterThreads = 512;  // of a block
constexpr int kClusterWarps = kClusterThreads / kWarp;

enum class Join : uint8_t { sum, most };

#if __CUDA_ARCH__ >= 900

// Shared memory of a block. Rounds take turns with two buffers: a block may
// still read of the last round what another has begun to replace.
struct ClusterValues {
  uint64_t warps[kClusterWarps][kClusterWarps];
  uint64_t mine[2][kClusterWarps];
  uint64_t joined[2][kClusterWarps];
};

template <Join kJoin>
__device__ uint64_t joined_two(uint64_t a, uint64_t b) {
  if constexpr (kJoin == Join::sum)
    return a + b;
  return a > b ? a : b;
}

template <Join kJoin>
__device__ uint64_t joined_warp(uint64_t value) {
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2)
    value = joined_two<kJoin>(value, __shfl_xor_sync(kAllLanes, value, step));
  return value;
}

// values[i] of all threads of the cluster, joined, in every thread. All zero is
// as good as nothing. kCount <= 16.
template <Join kJoin, int kCount>
__device__ void join(ClusterValues& shared, uint32_t& round, uint64_t* values) {
  static_assert(kCount <= kClusterWarps);
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t warp = threadIdx.x / kWarp;
  bool any = false;
#pragma unroll
  for (int i = 0; i < kCount; ++i)
    any = any || values[i] != 0;
  if (__any_sync(kAllLanes, any)) {
#pragma unroll
    for (int i = 0; i < kCount; ++i)
      values[i] = joined_warp<kJoin>(values[i]);
  }
  if (lane == 0)
#pragma unroll
    for (int i = 0; i < kCount; ++i)
      shared.warps[warp][i] = values[i];
  __syncthreads();
  const uint32_t buffer = round++ % 2;
  if (warp < kCount) {
    const uint64_t value =
        joined_warp<kJoin>(lane < kClusterWarps ? shared.warps[lane][warp] : 0);
    if (lane == 0)
      shared.mine[buffer][warp] = value;
  }
  cluster_barrier();
  if (warp < kCount) {
    const uint64_t value = joined_warp<kJoin>(
        lane < kClusterBlocks
            ? load_from_block(lane, &shared.mine[buffer][warp])
            : 0);
    if (lane == 0)
      shared.joined[buffer][warp] = value;
  }
  __syncthreads();
#pragma unroll
  for (int i = 0; i < kCount; ++i)
    values[i] = shared.joined[buffer][i];
}

// The sum of `value` over all threads before this one, blocks in the order of
// their ranks, and over all of them.
struct Place {
  uint64_t before;
  uint64_t total;
};

__device__ inline Place place_of(
    ClusterValues& shared, uint32_t& round, uint64_t value) {
  const uint32_t lane = threadIdx.x % kWarp;
  const uint32_t warp = threadIdx.x / kWarp;
  uint64_t sum = value;
#pragma unroll
  for (int step = 1; step < kWarp; step *= 2) {
    const uint64_t other = __shfl_up_sync(kAllLanes, sum, step);
    sum += lane >= static_cast<uint32_t>(step) ? other : 0;
  }
  if (lane == kWarp - 1)
    shared.warps[0][warp] = sum;
  __syncthreads();
  uint64_t before = sum - value;
  uint64_t block = 0;
  for (uint32_t w = 0; w < kClusterWarps; ++w) {
    before += w < warp ? shared.warps[0][w] : 0;
    block += shared.warps[0][w];
  }
  const uint32_t buffer = round++ % 2;
  if (threadIdx.x == 0)
    shared.mine[buffer][0] = block;
  cluster_barrier();
  uint64_t total = 0;
  const uint32_t rank = cluster_rank();
  const uint64_t of_lane = lane < kClusterBlocks
                               ? load_from_block(lane, &shared.mine[buffer][0])
                               : 0;
  before += joined_warp<Join::sum>(lane < rank ? of_lane : 0);
  total = joined_warp<Join::sum>(of_lane);
  return {before, total};
}

// The sum of doubles in the order of sampling.h: a warp's by a tree, then the
// warps, then the blocks in increasing order.
__device__ inline double ordered_sum(
    ClusterValues& shared, uint32_t& round, double value) {
  const uint32_t lane = threadIdx.x % kWarp;
#pragma unroll
  for (int step = kWarp / 2; step > 0; step /= 2)
    value = __dadd_rn(value, __shfl_xor_sync(kAllLanes, value, step));
  if (lane == 0)
    shared.warps[0][threadIdx.x / kWarp] =
        static_cast<uint64_t>(__double_as_longlong(value));
  __syncthreads();
  const auto add = [](double sum, uint64_t bits) {
    return __dadd_rn(sum, __longlong_as_double(static_cast<long long>(bits)));
  };
  const uint32_t buffer = round++ % 2;
  if (threadIdx.x == 0) {
    double sum = 0;
    for (int w = 0; w < kClusterWarps; ++w)
      sum = add(sum, shared.warps[0][w]);
    shared.mine[buffer][0] = static_cast<uint64_t>(__double_as_longlong(sum));
  }
  cluster_barrier();
  double sum = 0;
  for (uint32_t block = 0; block < kClusterBlocks; ++block)
    sum = add(sum, load_from_block(block, &shared.mine[buffer][0]));
  return sum;
}

#endif

}  // namespace hadal::cuda
