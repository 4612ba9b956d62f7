// The best keys of a list that a block holds in its registers, exactly: the
// larger key, of equal ones the earlier.
#pragma once

#include <cstdint>

#include "kernels/cuda/sums.cuh"

namespace hadal::cuda {

constexpr int kBestThreads = 1024;
constexpr int kBestWarps = kBestThreads / kWarp;

struct BestScratch {
  int sums[2][kBestWarps];
  uint32_t keys[kBestThreads];
  int places[kBestThreads];
};

// The sum over all threads before this one and over all; `turn` alternates from
// call to call, which spares a barrier.
__device__ inline int2 count_before(int count, BestScratch& scratch, int turn) {
  const int lane = threadIdx.x % kWarp;
  int before = count;
  for (int step = 1; step < kWarp; step *= 2) {
    const int other = __shfl_up_sync(kAllLanes, before, step);
    if (lane >= step)
      before += other;
  }
  if (lane == kWarp - 1)
    scratch.sums[turn][threadIdx.x / kWarp] = before;
  __syncthreads();
  int warps = scratch.sums[turn][lane];
  const int all = static_cast<int>(
      __reduce_add_sync(kAllLanes, static_cast<unsigned>(warps)));
  if (lane >= static_cast<int>(threadIdx.x) / kWarp)
    warps = 0;
  const int earlier = static_cast<int>(
      __reduce_add_sync(kAllLanes, static_cast<unsigned>(warps)));
  return {earlier + before - count, all};
}

// The largest key that at least `wanted` keys of the block reach (0 when fewer
// are not 0), bit by bit from the top; or a smaller one that just as few reach.
template <int kItems>
__device__ uint32_t
reached_by(const uint32_t (&keys)[kItems], int wanted, BestScratch& scratch) {
  uint32_t reached = 0;
  for (int bit = 31; bit >= 0; --bit) {
    const uint32_t candidate = reached | 1U << bit;
    int count;
    if constexpr (kItems == 1) {
      count = __syncthreads_count(keys[0] >= candidate);
    } else {
      int mine = 0;
#pragma unroll
      for (int i = 0; i < kItems; ++i)
        mine += keys[i] >= candidate ? 1 : 0;
      count = count_before(mine, scratch, bit % 2).y;
    }
    if (count >= wanted)
      reached = candidate;
    if (count == wanted)
      break;
  }
  return reached;
}

// take(i, rank) for the `wanted` best of the keys, of which more than that are
// not 0; ranks go by the keys' order, a thread's one after the other.
template <int kItems, class Take>
__device__ void take_reaching(
    const uint32_t (&keys)[kItems],
    int wanted,
    BestScratch& scratch,
    const Take& take) {
  const uint32_t bound = reached_by(keys, wanted, scratch);
  int above = 0;
  int equal = 0;
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    above += keys[i] > bound ? 1 : 0;
    equal += keys[i] == bound ? 1 : 0;
  }
  __syncthreads();
  const int room =
      wanted - count_before(above, scratch, 0).y;  // for equal ones
  const int equal_before = count_before(equal, scratch, 1).x;
  const int mine = above + max(0, min(equal, room - equal_before));
  __syncthreads();
  int rank = count_before(mine, scratch, 0).x;
  int equals = equal_before;
#pragma unroll
  for (int i = 0; i < kItems; ++i) {
    const bool tie = keys[i] == bound;
    if (keys[i] > bound || (tie && equals < room))
      take(i, rank++);
    equals += tie ? 1 : 0;
  }
}

// take(place, rank) for the `wanted` best of kBestThreads * kItems keys, thread
// t with the places t * kItems and following; more than `wanted` are not 0.
// Ranks go by place.
//
// Most lists are cut down first: the wanted-th largest of the threads' best is
// a bound that the wanted-th largest key reaches, and few keys reach it.
template <int kItems, class Take>
__device__ void take_best(
    const uint32_t (&keys)[kItems],
    int wanted,
    BestScratch& scratch,
    const Take& take) {
  const int first = static_cast<int>(threadIdx.x) * kItems;
  if (wanted <= kBestThreads) {
    uint32_t best[1] = {keys[0]};
#pragma unroll
    for (int i = 1; i < kItems; ++i)
      best[0] = max(best[0], keys[i]);
    const uint32_t bound = max(reached_by(best, wanted, scratch), 1U);
    int count = 0;
#pragma unroll
    for (int i = 0; i < kItems; ++i)
      count += keys[i] >= bound ? 1 : 0;
    const int2 sums = count_before(count, scratch, 0);
    if (sums.y <= kBestThreads) {
      scratch.keys[threadIdx.x] = 0;
      __syncthreads();
      int at = sums.x;
#pragma unroll
      for (int i = 0; i < kItems; ++i)
        if (keys[i] >= bound) {
          scratch.keys[at] = keys[i];
          scratch.places[at++] = first + i;
        }
      __syncthreads();
      const uint32_t few[1] = {scratch.keys[threadIdx.x]};
      take_reaching(few, wanted, scratch, [&](int, int rank) {
        take(scratch.places[threadIdx.x], rank);
      });
      return;
    }
    __syncthreads();
  }
  take_reaching(
      keys, wanted, scratch, [&](int i, int rank) { take(first + i, rank); });
}

}  // namespace hadal::cuda
