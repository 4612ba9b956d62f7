// Scores of any rows, one thread a row: for rows in float32 and bfloat16 and
// for FP4 rows of unusual sizes.
#pragma once

#include "kernels/cuda/rows.cuh"
#include "kernels/indexer/index_scores.cuh"

namespace hadal::cuda {

// The token's queries in shared memory, rounded where the rows are.
__device__ inline void load_queries(
    const IndexerParams& params, int64_t token, float* queries) {
  const auto count = static_cast<int>(params.heads * params.dim);
  const float* const q = params.q + token * count;
  for (int i = threadIdx.x; i < count; i += kScoreThreads)
    queries[i] = q[i];
  __syncthreads();
  if (params.rows.layout.format != RowFormat::fp4)
    return;
  constexpr int kBlock = static_cast<int>(kFp4RowBlock);
  for (int b = threadIdx.x; b < count / kBlock; b += kScoreThreads) {
    float* const block = queries + b * kBlock;
    float largest = 0;
    for (int i = 0; i < kBlock; ++i)
      largest = fmaxf(largest, fabsf(block[i]));
    const float scale = fp4_block_scale(__float_as_uint(largest));
    for (int i = 0; i < kBlock; ++i)
      block[i] = round_to_e2m1(block[i] / scale) * scale;
  }
  __syncthreads();
}

// Grid and keys as of score_kernel.
__global__ void plain_score_kernel(
    IndexCall call, uint32_t* keys, int64_t stride) {
  extern __shared__ float plain_queries[];  // [heads, dim]
  const IndexPlace place = call.place(blockIdx.y);
  const IndexerParams& params = call.sequences[place.sequence];
  const int visible = visible_rows(params, place.token);
  wait_for_predecessor();
  let_successor_start();
  if (visible <= params.top_k ||
      static_cast<int>(blockIdx.x) * kScoreThreads >= visible)
    return;
  load_queries(params, place.token, plain_queries);
  const RowLayout layout = params.rows.layout;
  const auto heads = static_cast<int>(params.heads);
  const auto dim = static_cast<int>(params.dim);
  for (int s = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
       s < visible;
       s += static_cast<int>(gridDim.x) * kScoreThreads) {
    const std::byte* const row = paged_row(params.rows, s, layout.row_bytes());
    float score = 0;
    for (int head = 0; head < heads; ++head) {
      float dot = 0;
      for (int i = 0; i < dim; ++i)
        dot = __fmaf_rn(
            plain_queries[head * dim + i], row_value(layout, row, i), dot);
      const float weight =
          params.weights[place.token * heads + head] * params.weight_scale;
      score = __fmaf_rn(weight, fmaxf(0, dot), score);
    }
    keys[blockIdx.y * stride + s] = ordered_key(score);
  }
}

}  // namespace hadal::cuda
