// From scores to the rows that a token attends to. A block reduces a stretch of
// a list of keys to its best; stretches of stretches follow until one block
// holds all.
#pragma once

#include "kernels/cuda/wait.cuh"
#include "kernels/indexer/best_keys.cuh"
#include "kernels/indexer/index_call.cuh"

namespace hadal::cuda {

// Keys and the rows that they are of, [tokens of the launch, stride]. Without
// rows, key i is row i's.
struct KeyLists {
  uint32_t* keys;
  int32_t* rows;
  int64_t stride;
};

// What is left of a list of `count` after it was reduced once.
__device__ inline int reduced_count(int count, int stretch, int top_k) {
  return count / stretch * top_k + min(top_k, count % stretch);
}

// Grid: stretches of kBestThreads * kItems keys, tokens. The list in `from` has
// been reduced `level` times. With one stretch the block writes what is
// selected, else the best of its stretch to `to`.
template <int kItems>
__global__ void __launch_bounds__(kBestThreads)
    select_kernel(IndexCall call, KeyLists from, KeyLists to, int level) {
  constexpr int kStretch = kBestThreads * kItems;
  __shared__ BestScratch scratch;
  const IndexPlace place = call.place(blockIdx.y);
  const IndexerParams& params = call.sequences[place.sequence];
  const auto top_k = static_cast<int>(params.top_k);
  const int visible = visible_rows(params, place.token);
  const bool last = gridDim.x == 1;
  wait_for_predecessor();
  let_successor_start();
  int32_t* const selected = params.selected + place.token * params.top_k;
  if (last && threadIdx.x == 0)
    params.counts[place.token] = min(visible, top_k);
  if (visible <= top_k) {
    if (last)
      for (int s = threadIdx.x; s < visible; s += kBestThreads)
        selected[s] = s;
    return;
  }
  int count = visible;
  for (int i = 0; i < level; ++i)
    count = reduced_count(count, kStretch, top_k);
  const int start = static_cast<int>(blockIdx.x) * kStretch;
  if (start >= count)
    return;
  count = min(kStretch, count - start);

  const int64_t offset = blockIdx.y * from.stride + start;
  const int64_t out = blockIdx.y * to.stride + blockIdx.x * top_k;
  const auto row_at = [&](int place_in_stretch) {
    return from.rows == nullptr ? start + place_in_stretch
                                : from.rows[offset + place_in_stretch];
  };
  const auto put = [&](int place_in_stretch, int rank) {
    if (last) {
      selected[rank] = row_at(place_in_stretch);
      return;
    }
    to.keys[out + rank] = from.keys[offset + place_in_stretch];
    to.rows[out + rank] = row_at(place_in_stretch);
  };
  if (count <= top_k) {
    for (int i = threadIdx.x; i < count; i += kBestThreads)
      put(i, i);
    return;
  }
  uint32_t keys[kItems];
  const int first = static_cast<int>(threadIdx.x) * kItems;
#pragma unroll
  for (int i = 0; i < kItems; i += 4) {
    uint4 four = {0, 0, 0, 0};
    if (first + i < count)
      four = *reinterpret_cast<const uint4*>(from.keys + offset + first + i);
    keys[i] = four.x;
    keys[i + 1] = first + i + 1 < count ? four.y : 0;
    keys[i + 2] = first + i + 2 < count ? four.z : 0;
    keys[i + 3] = first + i + 3 < count ? four.w : 0;
  }
  take_best(keys, top_k, scratch, put);
}

}  // namespace hadal::cuda
