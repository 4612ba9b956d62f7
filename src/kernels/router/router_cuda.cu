// One block a token, a thread an expert (or several): an expert is chosen when
// fewer than per_token others stand before it.
#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/sums.cuh"
#include "kernels/cuda/wait.cuh"

namespace hadal {
namespace {

using cuda::kAllLanes;
using cuda::kWarp;

constexpr int kMostThreads = 1024;

// Shared memory of a block.
struct Choice {
  float* score;     // [experts]
  float* value;     // [experts rounded up to four], what they are chosen by
  int32_t* chosen;  // [per_token] ids in increasing order
};

// How many experts come before expert e: a larger value, or the same and a
// lower id.
__device__ int rank_of(const Choice& choice, int e, int experts) {
  const float mine = choice.value[e];
  const auto* const fours = reinterpret_cast<const float4*>(choice.value);
  int rank = 0;
  for (int i = 0; i < (experts + 3) / 4; ++i) {
    const float4 four = fours[i];
    const int first = 4 * i;
    rank += four.x > mine || (four.x == mine && first < e);
    rank += four.y > mine || (four.y == mine && first + 1 < e);
    rank += four.z > mine || (four.z == mine && first + 2 < e);
    rank += four.w > mine || (four.w == mine && first + 3 < e);
  }
  return rank;
}

__device__ void choose_largest(
    const RouterParams& params, const Choice& choice, int experts) {
  __shared__ int in_warp[kMostThreads / kWarp];
  const int thread = static_cast<int>(threadIdx.x);
  const int threads = static_cast<int>(blockDim.x);
  const int warp = thread / kWarp;
  int before = 0;  // chosen by earlier rounds
  for (int first = 0; first < experts; first += threads) {
    const int e = first + thread;
    const bool is_chosen =
        e < experts && rank_of(choice, e, experts) < params.per_token;
    const unsigned lanes = __ballot_sync(kAllLanes, is_chosen);
    if (thread % kWarp == 0)
      in_warp[warp] = __popc(lanes);
    __syncthreads();
    int at = before + __popc(lanes & ((1U << thread % kWarp) - 1));
    for (int w = 0; w < threads / kWarp; ++w) {
      at += w < warp ? in_warp[w] : 0;
      before += in_warp[w];
    }
    // NaN comes before nothing, so there may be more of them.
    if (is_chosen && at < params.per_token)
      choice.chosen[at] = e;
    __syncthreads();
  }
}

__device__ void choose_by_table(
    const RouterParams& params, const Choice& choice, int64_t token) {
  const int64_t row = params.token_ids[token] * params.per_token;
  const auto id_of = [&](int64_t k) {
    return params.tid2eid_is_64_bit
               ? static_cast<int32_t>(
                     static_cast<const int64_t*>(params.tid2eid)[row + k])
               : static_cast<const int32_t*>(params.tid2eid)[row + k];
  };
  for (int64_t k = threadIdx.x; k < params.per_token; k += blockDim.x) {
    const int32_t id = id_of(k);
    int at = 0;
    for (int64_t i = 0; i < params.per_token; ++i)
      at += id_of(i) < id;
    choice.chosen[at] = id;
  }
  __syncthreads();
}

__global__ void __launch_bounds__(kMostThreads)
    router_kernel(RouterParams params) {
  extern __shared__ __align__(16) float memory[];
  cuda::wait_for_predecessor();
  cuda::let_successor_start();
  const int64_t token = blockIdx.x;
  const int experts = static_cast<int>(params.experts);
  const int padded = (experts + 3) / 4 * 4;
  const Choice choice = {
      memory + padded, memory, reinterpret_cast<int32_t*>(memory + 2 * padded)};
  for (int e = static_cast<int>(threadIdx.x); e < padded;
       e += static_cast<int>(blockDim.x)) {
    if (e >= experts) {
      choice.value[e] = -INFINITY;
      continue;
    }
    const float u = params.logits[token * params.experts + e];
    const float score = sqrtf(u > 20 ? u : log1pf(expf(u)));
    choice.score[e] = score;
    choice.value[e] = params.bias != nullptr ? score + params.bias[e] : score;
  }
  __syncthreads();
  if (params.tid2eid != nullptr)
    choose_by_table(params, choice, token);
  else
    choose_largest(params, choice, experts);

  for (int64_t k = threadIdx.x; k < params.per_token; k += blockDim.x) {
    float sum = 0;
    for (int64_t i = 0; i < params.per_token; ++i)
      sum += choice.score[choice.chosen[i]];
    const int32_t id = choice.chosen[k];
    params.indices[token * params.per_token + k] = id;
    params.weights[token * params.per_token + k] =
        choice.score[id] / sum * params.scale;
  }
}

}  // namespace

void router_cuda(const RouterParams& params) {
  if (params.tokens == 0)
    return;
  const int64_t padded = (params.experts + 3) / 4 * 4;
  const int64_t warps = (params.experts + kWarp - 1) / kWarp;
  // Ids are read by fours, beyond the last one, too.
  const int64_t ids = (params.per_token + 3) / 4 * 4 + 4;
  cuda::launch(
      router_kernel,
      {.grid = static_cast<unsigned>(params.tokens),
       .block = static_cast<unsigned>(
           warps * kWarp < kMostThreads ? warps * kWarp : kMostThreads),
       .shared_bytes = static_cast<unsigned>(4 * (2 * padded + ids)),
       .start = cuda::Start::early},
      params);
}

}  // namespace hadal
