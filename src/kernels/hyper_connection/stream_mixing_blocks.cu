// The hyper-connections with a block a token: simple, and right everywhere.
#include "base/check.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/sums.cuh"
#include "kernels/cuda/weights.cuh"
#include "kernels/hyper_connection/stream_mixing_cuda.h"

namespace hadal {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / cuda::kWarp;
constexpr int kMostStreams = 8;
constexpr int kMostOutputs = 2 * kMostStreams + kMostStreams * kMostStreams;

__device__ float sigmoid(float x) {
  return 1 / (1 + expf(-x));
}

// HCpost of one token. All streams of a channel are read before any is written:
// they may be the same.
__device__ void expand(const StreamMixing& m, int64_t token) {
  const int64_t n = m.n;
  const int64_t first = token * n * m.dim;
  const float* const comb = m.old_comb + token * n * n;
  for (int64_t d = threadIdx.x; d < m.dim; d += kThreads) {
    const float y = m.y[token * m.dim + d];
    float mixed[kMostStreams];
    for (int64_t k = 0; k < n; ++k) {
      float sum = m.old_post[token * n + k] * y;
      for (int64_t j = 0; j < n; ++j)
        sum = __fmaf_rn(
            comb[j * n + k], m.old_streams[first + j * m.dim + d], sum);
      mixed[k] = sum;
    }
    for (int64_t k = 0; k < n; ++k)
      m.streams[first + k * m.dim + d] = mixed[k];
  }
  __syncthreads();
}

// mix[o] = (fn_o . streams) * rho, in shared memory.
__device__ void mix_streams(
    const StreamMixing& m, const float* streams, float* mix, float* scratch) {
  const int64_t channels = m.n * m.dim;
  float squares = 0;
  for (int64_t i = threadIdx.x; i < channels; i += kThreads)
    squares = __fmaf_rn(streams[i], streams[i], squares);
  const float mean = cuda::block_sum<kThreads>(squares, scratch) /
                     static_cast<float>(channels);
  const float rho = 1 / sqrtf(mean + m.norm_eps);
  for (int64_t o = threadIdx.x / cuda::kWarp; o < m.fn.rows; o += kWarps) {
    float sum;
    cuda::row_products<1>(m.fn, o, false, streams, 0, 1, &sum);
    sum = cuda::warp_sum(sum);
    if (threadIdx.x % cuda::kWarp == 0)
      mix[o] = sum * rho;
  }
  __syncthreads();
}

// x = sum of pre[i] * streams[i], then the norm if there is a weight.
__device__ void collapse(
    const StreamMixing& m,
    const float* streams,
    const float* pre,
    float* x,
    float* scratch) {
  float squares = 0;
  for (int64_t d = threadIdx.x; d < m.dim; d += kThreads) {
    float sum = 0;
    for (int64_t i = 0; i < m.n; ++i)
      sum = __fmaf_rn(pre[i], streams[i * m.dim + d], sum);
    x[d] = sum;
    squares = __fmaf_rn(sum, sum, squares);
  }
  if (m.norm_weight == nullptr)
    return;
  const float mean =
      cuda::block_sum<kThreads>(squares, scratch) / static_cast<float>(m.dim);
  const float factor = 1 / sqrtf(mean + m.norm_eps);
  for (int64_t d = threadIdx.x; d < m.dim; d += kThreads)
    x[d] = x[d] * factor * m.norm_weight[d];
}

// Groups of n values, entry k of group j at comb[j * group + k * entry], are
// divided by their sums plus eps.
__device__ void normalise(
    float* comb, int64_t n, int64_t group, int64_t entry, float eps) {
  for (int64_t j = 0; j < n; ++j) {
    float sum = 0;
    for (int64_t k = 0; k < n; ++k)
      sum += comb[j * group + k * entry];
    for (int64_t k = 0; k < n; ++k)
      comb[j * group + k * entry] /= sum + eps;
  }
}

__device__ void softmax_rows(float* comb, int64_t n, float eps) {
  for (int64_t j = 0; j < n; ++j) {
    float* const row = comb + j * n;
    float most = row[0];
    for (int64_t k = 1; k < n; ++k)
      most = fmaxf(most, row[k]);
    float sum = 0;
    for (int64_t k = 0; k < n; ++k) {
      row[k] = expf(row[k] - most);
      sum += row[k];
    }
    for (int64_t k = 0; k < n; ++k)
      row[k] = row[k] / sum + eps;
  }
}

// By one thread.
__device__ void coefficients(
    const StreamMixing& m, int64_t token, float* mix, float* pre) {
  const int64_t n = m.n;
  for (int64_t i = 0; i < n; ++i)
    pre[i] = sigmoid(__fmaf_rn(mix[i], m.scale[0], m.base[i])) + m.hc_eps;
  if (m.comb == nullptr)
    return;
  for (int64_t i = 0; i < n; ++i)
    m.post[token * n + i] =
        2 * sigmoid(__fmaf_rn(mix[n + i], m.scale[1], m.base[n + i]));
  float* const comb = mix + 2 * n;
  for (int64_t i = 0; i < n * n; ++i)
    comb[i] = __fmaf_rn(comb[i], m.scale[2], m.base[2 * n + i]);
  softmax_rows(comb, n, m.hc_eps);
  normalise(comb, n, 1, n, m.hc_eps);
  for (int64_t i = 1; i < m.sinkhorn_iterations; ++i) {
    normalise(comb, n, n, 1, m.hc_eps);
    normalise(comb, n, 1, n, m.hc_eps);
  }
  for (int64_t i = 0; i < n * n; ++i)
    m.comb[token * n * n + i] = comb[i];
}

__global__ void mix_kernel(const StreamMixing m) {
  __shared__ float mix[kMostOutputs];
  __shared__ float pre[kMostStreams];
  __shared__ float scratch[kWarps];
  const int64_t token = blockIdx.x;
  if (m.y != nullptr)
    expand(m, token);
  const int64_t row = m.rows == nullptr ? token : m.rows[token];
  const float* const streams = m.streams + row * m.n * m.dim;
  mix_streams(m, streams, mix, scratch);
  if (threadIdx.x == 0)
    coefficients(m, token, mix, pre);
  __syncthreads();
  collapse(m, streams, pre, m.x + token * m.dim, scratch);
}

}  // namespace

void mix_in_blocks(const StreamMixing& mixing) {
  HADAL_CHECK(mixing.n <= kMostStreams);
  cuda::launch(
      mix_kernel, {static_cast<unsigned>(mixing.tokens), kThreads}, mixing);
}

}  // namespace hadal
