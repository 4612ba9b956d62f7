// Sampling on CUDA: a cluster of sixteen blocks a row, which holds the row's
// logits in its registers. The steps are those of generation/sampler.cpp.
#include "kernels/sampling/sampling.h"

#include "kernels/cuda/device.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/wait.cuh"
#include "kernels/sampling/row_logits.cuh"

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
#define HADAL_CLUSTER __cluster_dims__(16, 1, 1)
#else
#define HADAL_CLUSTER
#endif

namespace hadal {
namespace {

using namespace cuda;

static_assert(kMaxSampledTokens == int64_t{kClusterBlocks} * kBlockTokens);

#if __CUDA_ARCH__ >= 900

// highest, power_sum and `likely`.
__device__ void add_logprobs(
    const SampleParams& row,
    RowLogits& shared,
    uint32_t& round,
    float highest) {
  const ThreadTokens tokens = thread_tokens(row, shared);
  double sum = 0;
#pragma unroll
  for (int i = 0; i < kThreadTokens; ++i)
    if (tokens.keys[i] != 0)
      sum = __dadd_rn(
          sum, relative_power(logit_of(tokens.keys[i]), highest, kLog2E));
  sum = ordered_sum(shared.values, round, sum);
  if (cluster_rank() == 0 && threadIdx.x == 0) {
    row.out->highest = highest;
    row.out->power_sum = sum;
  }
  if (row.best == 0)
    return;
  uint32_t set = all_of(tokens);
  if (row.best < row.vocabulary)
    set = kept_by(
        find_best(
            shared.values, round, tokens, set, static_cast<uint64_t>(row.best)),
        tokens,
        set);
  LikelyToken* to =
      row.likely + place_of(shared.values, round, __popc(set)).before;
#pragma unroll
  for (int i = 0; i < kThreadTokens; ++i)
    if ((set >> i & 1) != 0) {
      const uint32_t id = tokens.first + i;
      *to++ = {static_cast<int32_t>(id), row.logits[id]};
    }
}

// The token at place `ticket` of the row in which every token has as many
// places as it weighs, by increasing id, is that of one thread; it stores it.
__device__ void draw(
    const SampleParams& row,
    RowLogits& shared,
    uint32_t& round,
    const ThreadTokens& tokens,
    const uint64_t* weights,
    uint32_t set) {
  uint64_t sum = 0;
#pragma unroll
  for (int i = 0; i < kThreadTokens; ++i)
    sum += (set >> i & 1) != 0 ? weights[i] : 0;
  const Place place = place_of(shared.values, round, sum);
  uint64_t left = draw_ticket(row.seed, row.step, place.total) - place.before;
  if (left >= sum)  // before it, too: the difference wraps
    return;
  uint32_t id = kNoId;
#pragma unroll
  for (int i = 0; i < kThreadTokens; ++i) {
    const uint64_t weight = (set >> i & 1) != 0 ? weights[i] : 0;
    if (id == kNoId && left < weight)
      id = tokens.first + i;
    left -= weight;
  }
  row.out->token = static_cast<int32_t>(id);
  row.out->logit = row.logits[id];
}

__device__ void draw_filtered(
    const SampleParams& row,
    RowLogits& shared,
    uint32_t& round,
    const ThreadTokens& tokens,
    float highest) {
  const double scale = __ddiv_rn(kLog2E, static_cast<double>(row.temperature));
  uint64_t weights[kThreadTokens];
#pragma unroll
  for (int i = 0; i < kThreadTokens; ++i)
    weights[i] = tokens.keys[i] == 0
                     ? 0
                     : token_weight(logit_of(tokens.keys[i]), highest, scale);
  uint32_t set = all_of(tokens);
  if (row.top_k > 0 && row.top_k < row.vocabulary)
    set = kept_by(
        find_best(
            shared.values,
            round,
            tokens,
            set,
            static_cast<uint64_t>(row.top_k)),
        tokens,
        set);
  if (row.top_p < 1) {
    uint64_t total = 0;
#pragma unroll
    for (int i = 0; i < kThreadTokens; ++i)
      total += (set >> i & 1) != 0 ? weights[i] : 0;
    join<Join::sum, 1>(shared.values, round, &total);
    const Cut cut = find_cut(
        shared.values,
        round,
        tokens,
        set,
        wanted_weight(row.top_p, total),
        [&](int i) { return weights[i]; },
        [&](uint32_t key) {
          return token_weight(logit_of(key), highest, scale);
        });
    set = kept_by(cut, tokens, set);
  }
  const uint64_t least = least_weight(row.min_p);
#pragma unroll
  for (int i = 0; i < kThreadTokens; ++i)
    if (weights[i] < least)
      set &= ~(1U << i);
  draw(row, shared, round, tokens, weights, set);
}

__device__ void sample(const SampleParams& row, RowLogits& shared) {
  const bool writer = cluster_rank() == 0 && threadIdx.x == 0;
  uint32_t round = 0;
  if (writer)
    *row.out = {};
  load(row, shared);
  float highest;
  const uint32_t bad = check(row, shared, round, highest);
  if (bad != kNoId) {
    if (writer)
      *row.out = {
          .token = static_cast<int32_t>(bad), .state = SampleState::bad_logit};
    return;
  }
  if (row.best >= 0)
    add_logprobs(row, shared, round, highest);
  edit(row, shared);
  const ThreadTokens tokens = thread_tokens(row, shared);
  uint64_t top = 0;  // key, then the lower id above the higher
#pragma unroll
  for (int i = 0; i < kThreadTokens; ++i)
    if (tokens.keys[i] != 0)
      top =
          max(top,
              static_cast<uint64_t>(tokens.keys[i]) << 32 |
                  (kNoId - (tokens.first + i)));
  join<Join::most, 1>(shared.values, round, &top);
  highest = logit_of(static_cast<uint32_t>(top >> 32));
  if (highest == -INFINITY) {
    if (writer)
      row.out->state = SampleState::all_excluded;
  } else if (row.temperature == 0) {
    if (writer) {
      const uint32_t id = kNoId - static_cast<uint32_t>(top);
      row.out->token = static_cast<int32_t>(id);
      row.out->logit = row.logits[id];
    }
  } else {
    draw_filtered(row, shared, round, tokens, highest);
  }
}

#endif

__global__ HADAL_CLUSTER __launch_bounds__(
    kClusterThreads, 1) void sample_kernel(const SampleParams* rows) {
#if __CUDA_ARCH__ >= 900
  __shared__ RowLogits shared;
  wait_for_predecessor();
  sample(rows[blockIdx.x / kClusterBlocks], shared);
  cluster_barrier();  // others may still read this block's memory
#endif
}

// Not so before 9.0, nor when that is the code that was compiled.
bool has_clusters() {
  cudaFuncAttributes attributes = {};
  cuda::check(
      cudaFuncGetAttributes(&attributes, sample_kernel),
      "asking about a kernel");
  if (attributes.ptxVersion < 90)
    return false;
  cuda::check(
      cudaFuncSetAttribute(
          sample_kernel, cudaFuncAttributeNonPortableClusterSizeAllowed, 1),
      "asking for clusters of sixteen blocks");
  cudaLaunchAttribute size = {};
  size.id = cudaLaunchAttributeClusterDimension;
  size.val.clusterDim.x = kClusterBlocks;
  size.val.clusterDim.y = 1;
  size.val.clusterDim.z = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = kClusterBlocks;
  config.blockDim = kClusterThreads;
  config.attrs = &size;
  config.numAttrs = 1;
  int count = 0;
  cuda::check(
      cudaOccupancyMaxActiveClusters(&count, sample_kernel, &config),
      "asking for the number of clusters");
  return count > 0;
}

}  // namespace

bool sample_cuda(std::span<const SampleParams> rows) {
  static const bool kHasClusters = has_clusters();
  if (!kHasClusters)
    return false;
  for (const SampleParams& row : rows)
    if (row.vocabulary > kMaxSampledTokens)
      return false;
  if (rows.empty())
    return true;
  const auto count = static_cast<int64_t>(rows.size());
  cuda::launch(
      sample_kernel,
      {.grid = static_cast<unsigned>(kClusterBlocks * count),
       .block = kClusterThreads,
       .start = cuda::Start::early},
      cuda::table(rows.data(), count));
  return true;
}

}  // namespace hadal
