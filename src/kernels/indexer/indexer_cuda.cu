// Scores of all visible rows, then the best of them by counting: no buffer but
// the scores of a few tokens at a time.
#include <algorithm>

#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/rows.cuh"
#include "kernels/cuda/sums.cuh"

namespace hadal {
namespace {

constexpr int kThreads = 128;
constexpr int64_t kScoreBytes = int64_t{64} << 20;

__device__ int64_t visible_rows(const IndexerParams& params, int64_t token) {
  return (params.first_position + token + 1) / params.ratio;
}

// The token's queries in shared memory, rounded where the rows are.
__device__ void load_queries(
    const IndexerParams& params, int64_t token, float* queries) {
  const int64_t count = params.heads * params.dim;
  const float* const q = params.q + token * count;
  for (int64_t i = threadIdx.x; i < count; i += kThreads)
    queries[i] = q[i];
  __syncthreads();
  if (params.rows.layout.format != RowFormat::fp4)
    return;
  for (int64_t b = threadIdx.x; b < count / kFp4RowBlock; b += kThreads) {
    float* const block = queries + b * kFp4RowBlock;
    uint32_t largest = 0;
    for (int64_t i = 0; i < kFp4RowBlock; ++i)
      largest = max(largest, cuda::magnitude_bits(block[i]));
    const float scale =
        cuda::e8m0_value(cuda::e8m0_code(cuda::fp4_block_scale(largest)));
    for (int64_t i = 0; i < kFp4RowBlock; ++i)
      block[i] = cuda::e2m1_value(cuda::e2m1_code(block[i] / scale)) * scale;
  }
  __syncthreads();
}

// One thread a row: scores [tokens of the launch, stride].
__global__ void score_kernel(
    IndexerParams params,
    int64_t row_bytes,
    int64_t first_token,
    float* scores,
    int64_t stride) {
  extern __shared__ float queries[];  // [heads, dim]
  const int64_t token = first_token + blockIdx.y;
  const int64_t visible = visible_rows(params, token);
  if (visible <= params.top_k || blockIdx.x * int64_t{kThreads} >= visible)
    return;
  load_queries(params, token, queries);
  const int64_t s = blockIdx.x * int64_t{kThreads} + threadIdx.x;
  if (s >= visible)
    return;
  const RowLayout& layout = params.rows.layout;
  const std::byte* const row = cuda::paged_row(params.rows, s, row_bytes);
  float score = 0;
  for (int64_t head = 0; head < params.heads; ++head) {
    float dot = 0;
    for (int64_t i = 0; i < params.dim; ++i)
      dot = __fmaf_rn(
          queries[head * params.dim + i], cuda::row_value(layout, row, i), dot);
    score = __fmaf_rn(
        params.weights[token * params.heads + head], fmaxf(0, dot), score);
  }
  scores[blockIdx.y * stride + s] = score;
}

// Orders like the scores, NaN lowest.
__device__ uint32_t ordered(float score) {
  const uint32_t bits = __float_as_uint(score + 0.0F);
  if ((bits & 0x7FFFFFFF) > cuda::kFloatInfinity)
    return 0;
  return (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
}

// The key of the best-but-k row, found byte by byte from the top, and how many
// rows with just that key belong to the best.
__device__ void find_threshold(
    const float* scores,
    int64_t visible,
    int64_t top_k,
    uint32_t* counts,
    uint32_t& threshold,
    int64_t& equal) {
  uint32_t prefix = 0;
  int64_t wanted = top_k;
  for (int shift = 24; shift >= 0; shift -= 8) {
    for (int i = threadIdx.x; i < 256; i += kThreads)
      counts[i] = 0;
    __syncthreads();
    for (int64_t s = threadIdx.x; s < visible; s += kThreads) {
      const uint32_t key = ordered(scores[s]);
      if (shift == 24 || key >> (shift + 8) == prefix >> (shift + 8))
        atomicAdd(&counts[(key >> shift) & 255], 1);
    }
    __syncthreads();
    uint32_t digit = 255;
    while (counts[digit] < wanted) {
      wanted -= counts[digit];
      --digit;
    }
    prefix |= digit << shift;
    __syncthreads();
  }
  threshold = prefix;
  equal = wanted;
}

// How many threads before this one have `flag` set; `total`: of all.
__device__ int rank_of(bool flag, int* warps, int& total) {
  const unsigned votes = __ballot_sync(cuda::kAllLanes, flag);
  const int lane = threadIdx.x % cuda::kWarp;
  if (lane == 0)
    warps[threadIdx.x / cuda::kWarp] = __popc(votes);
  __syncthreads();
  int before = __popc(votes & ((1U << lane) - 1));
  total = 0;
  for (int i = 0; i < kThreads / cuda::kWarp; ++i) {
    if (i < static_cast<int>(threadIdx.x) / cuda::kWarp)
      before += warps[i];
    total += warps[i];
  }
  __syncthreads();
  return before;
}

// One block a token: writes the best rows in increasing order.
__global__ void select_kernel(
    IndexerParams params,
    int64_t first_token,
    const float* scores,
    int64_t stride) {
  __shared__ uint32_t counts[256];
  __shared__ int warps[kThreads / cuda::kWarp];
  const int64_t token = first_token + blockIdx.x;
  const int64_t visible = visible_rows(params, token);
  int32_t* const selected = params.selected + token * params.top_k;
  if (threadIdx.x == 0)
    params.counts[token] =
        static_cast<int32_t>(visible < params.top_k ? visible : params.top_k);
  if (visible <= params.top_k) {
    for (int64_t s = threadIdx.x; s < visible; s += kThreads)
      selected[s] = static_cast<int32_t>(s);
    return;
  }
  const float* const mine = scores + blockIdx.x * stride;
  uint32_t threshold;
  int64_t equal;
  find_threshold(mine, visible, params.top_k, counts, threshold, equal);
  int64_t written = 0;
  int64_t met = 0;  // rows with the threshold's key so far
  for (int64_t first = 0; first < visible; first += kThreads) {
    const int64_t s = first + threadIdx.x;
    const uint32_t key = s < visible ? ordered(mine[s]) : 0;
    const bool tie = s < visible && key == threshold;
    int ties;
    const int tie_rank = rank_of(tie, warps, ties);
    const bool taken =
        (s < visible && key > threshold) || (tie && met + tie_rank < equal);
    int count;
    const int rank = rank_of(taken, warps, count);
    if (taken)
      selected[written + rank] = static_cast<int32_t>(s);
    written += count;
    met += ties;
  }
}

}  // namespace

namespace {

void choose_rows(const IndexerParams& params) {
  if (params.tokens == 0)
    return;
  const int64_t most = (params.first_position + params.tokens) / params.ratio;
  const int64_t stride = std::max<int64_t>(1, most);
  const int64_t tile = std::clamp<int64_t>(
      kScoreBytes / (stride * static_cast<int64_t>(sizeof(float))), 1, 65'535);
  static cuda::DeviceBuffer memory;
  auto* const scores =
      memory.reserve_array<float>(std::min(tile, params.tokens) * stride);
  const auto shared =
      static_cast<size_t>(params.heads * params.dim) * sizeof(float);
  cuda::check(
      cudaFuncSetAttribute(
          score_kernel,
          cudaFuncAttributeMaxDynamicSharedMemorySize,
          static_cast<int>(shared)),
      "shared memory for index queries");
  for (int64_t first = 0; first < params.tokens; first += tile) {
    const auto count =
        static_cast<unsigned>(std::min(tile, params.tokens - first));
    if (most > params.top_k)
      cuda::launch(
          score_kernel,
          {dim3(cuda::blocks(most, kThreads), count),
           kThreads,
           static_cast<unsigned>(shared)},
          params,
          params.rows.layout.row_bytes(),
          first,
          scores,
          stride);
    cuda::launch(
        select_kernel, {count, kThreads}, params, first, scores, stride);
  }
}

}  // namespace

void indexer_many_cuda(std::span<const IndexerParams> all) {
  for (const IndexerParams& params : all)
    choose_rows(params);
}

}  // namespace hadal
