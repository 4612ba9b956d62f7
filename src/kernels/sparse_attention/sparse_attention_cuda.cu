// One block a head of a token; the scores of a few tokens at a time lie in
// device memory.
#include <algorithm>

#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/rows.cuh"
#include "kernels/cuda/sums.cuh"

namespace hadal {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / cuda::kWarp;
constexpr int64_t kScoreBytes = int64_t{256} << 20;

// The token's key list, in the order of sparse_attention.h.
struct KeyList {
  int64_t window_bytes = 0;  // of a row
  int64_t compressed_bytes = 0;
  int64_t first_window = 0;  // position
  int64_t windows = 0;
  int64_t count = 0;
};

__device__ KeyList
key_list(const SparseAttentionParams& params, KeyList keys, int64_t token) {
  const int64_t position = params.first_position + token;
  keys.first_window =
      position - params.window + 1 > 0 ? position - params.window + 1 : 0;
  keys.windows = position + 1 - keys.first_window;
  keys.count = keys.windows;
  if (params.selected != nullptr)
    keys.count += params.counts[token];
  else if (params.ratio != 0)
    keys.count += (position + 1) / params.ratio;
  return keys;
}

__device__ const std::byte* key_row(
    const SparseAttentionParams& params,
    const KeyList& keys,
    int64_t token,
    int64_t j) {
  if (j < keys.windows) {
    const int64_t bytes = keys.window_bytes;
    const int64_t position = keys.first_window + j;
    return position >= params.first_position
               ? params.chunk_rows + (position - params.first_position) * bytes
               : params.ring + position % params.ring_capacity * bytes;
  }
  const int64_t i = j - keys.windows;
  const int64_t row = params.selected != nullptr
                          ? params.selected[token * params.selected_stride + i]
                          : i;
  return cuda::paged_row(params.compressed, row, keys.compressed_bytes);
}

__device__ const RowLayout& key_layout(
    const SparseAttentionParams& params, const KeyList& keys, int64_t j) {
  return j < keys.windows ? params.window_layout : params.compressed.layout;
}

// The inverse rotation of the last channels, in shared memory (rotary.h).
__device__ void undo_rotation(
    const SparseAttentionParams& params, int64_t token, float* out) {
  const int64_t first = params.dim - params.output_rotary;
  for (int64_t i = threadIdx.x; i < params.output_rotary / 2; i += kThreads) {
    const float angle = static_cast<float>(params.first_position + token) *
                        params.output_frequencies[i];
    float sine;
    float cosine;
    sincosf(angle, &sine, &cosine);
    const float x = out[first + 2 * i];
    const float y = out[first + 2 * i + 1];
    out[first + 2 * i] = x * cosine + y * sine;
    out[first + 2 * i + 1] = y * cosine - x * sine;
  }
}

__global__ void attention_kernel(
    SparseAttentionParams params,
    KeyList sizes,
    int64_t first_token,
    float* all_scores,
    int64_t stride) {
  extern __shared__ float memory[];  // q [dim], out [dim]
  __shared__ float scratch[kWarps];
  float* const q = memory;
  float* const out = memory + params.dim;
  const int64_t head = blockIdx.x;
  const int64_t token = first_token + blockIdx.y;
  const int64_t offset = (token * params.heads + head) * params.dim;
  float* const scores =
      all_scores + (blockIdx.y * params.heads + head) * stride;
  const KeyList keys = key_list(params, sizes, token);
  for (int64_t i = threadIdx.x; i < params.dim; i += kThreads)
    q[i] = params.q[offset + i];
  __syncthreads();

  float most = params.sink[head];
  for (int64_t j = threadIdx.x / cuda::kWarp; j < keys.count; j += kWarps) {
    const std::byte* const row = key_row(params, keys, token, j);
    const RowLayout& layout = key_layout(params, keys, j);
    float dot = 0;
    for (int64_t i = threadIdx.x % cuda::kWarp; i < params.dim;
         i += cuda::kWarp)
      dot = __fmaf_rn(q[i], cuda::row_value(layout, row, i), dot);
    const float score = params.scale * cuda::warp_sum(dot);
    most = fmaxf(most, score);
    if (threadIdx.x % cuda::kWarp == 0)
      scores[j] = score;
  }
  most = cuda::block_max<kThreads>(most, scratch);

  float sum = 0;
  for (int64_t j = threadIdx.x; j < keys.count; j += kThreads) {
    const float weight = expf(scores[j] - most);
    scores[j] = weight;
    sum += weight;
  }
  const float denominator =
      cuda::block_sum<kThreads>(sum, scratch) + expf(params.sink[head] - most);
  __syncthreads();

  for (int64_t i = threadIdx.x; i < params.dim; i += kThreads) {
    float total = 0;
    for (int64_t j = 0; j < keys.count; ++j)
      total = __fmaf_rn(
          scores[j],
          cuda::row_value(
              key_layout(params, keys, j), key_row(params, keys, token, j), i),
          total);
    out[i] = total / denominator;
  }
  __syncthreads();
  if (params.output_rotary > 0)
    undo_rotation(params, token, out);
  __syncthreads();
  for (int64_t i = threadIdx.x; i < params.dim; i += kThreads)
    params.out[offset + i] = out[i];
}

}  // namespace

namespace {

void attend(const SparseAttentionParams& params) {
  if (params.tokens == 0)
    return;
  // The most keys that a token of the call can have.
  int64_t stride = params.window;
  if (params.selected != nullptr)
    stride += params.selected_stride;
  else if (params.ratio != 0)
    stride += (params.first_position + params.tokens) / params.ratio;
  const int64_t tile = std::clamp<int64_t>(
      kScoreBytes /
          (params.heads * stride * static_cast<int64_t>(sizeof(float))),
      1,
      65'535);
  const KeyList sizes{
      .window_bytes = params.window_layout.row_bytes(),
      .compressed_bytes = params.compressed.layout.row_bytes()};
  static cuda::DeviceBuffer memory;
  auto* const scores = memory.reserve_array<float>(
      std::min(tile, params.tokens) * params.heads * stride);
  for (int64_t first = 0; first < params.tokens; first += tile) {
    const auto count =
        static_cast<unsigned>(std::min(tile, params.tokens - first));
    cuda::launch(
        attention_kernel,
        {dim3(static_cast<unsigned>(params.heads), count),
         kThreads,
         static_cast<unsigned>(
             static_cast<size_t>(2 * params.dim) * sizeof(float))},
        params,
        sizes,
        first,
        scores,
        stride);
  }
}

}  // namespace

void sparse_attention_many_cuda(std::span<const SparseAttentionParams> all) {
  for (const SparseAttentionParams& params : all)
    attend(params);
}

}  // namespace hadal
