// One block a token.
#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/sums.cuh"
#include "kernels/cuda/weights.cuh"

namespace hadal {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / cuda::kWarp;
constexpr int kMostStreams = 8;
constexpr int kMostOutputs = 2 * kMostStreams + kMostStreams * kMostStreams;

__device__ float sigmoid(float x) {
  return 1 / (1 + expf(-x));
}

// mix[o] = (fn_o . streams) * rho, in shared memory.
__device__ void mix_streams(
    const float* streams,
    int64_t channels,
    const WeightView& fn,
    float norm_eps,
    float* mix,
    float* scratch) {
  float squares = 0;
  for (int64_t i = threadIdx.x; i < channels; i += kThreads)
    squares = __fmaf_rn(streams[i], streams[i], squares);
  const float mean = cuda::block_sum<kThreads>(squares, scratch) /
                     static_cast<float>(channels);
  const float rho = 1 / sqrtf(mean + norm_eps);
  for (int64_t o = threadIdx.x / cuda::kWarp; o < fn.rows; o += kWarps) {
    float sum;
    cuda::row_products<1>(fn, o, false, streams, 0, 1, &sum);
    sum = cuda::warp_sum(sum);
    if (threadIdx.x % cuda::kWarp == 0)
      mix[o] = sum * rho;
  }
  __syncthreads();
}

// x = sum of pre[i] * streams[i], then the norm if there is a weight.
__device__ void collapse(
    const float* streams,
    const float* pre,
    int64_t n,
    int64_t dim,
    const float* norm_weight,
    float norm_eps,
    float* x,
    float* scratch) {
  float squares = 0;
  for (int64_t d = threadIdx.x; d < dim; d += kThreads) {
    float sum = 0;
    for (int64_t i = 0; i < n; ++i)
      sum = __fmaf_rn(pre[i], streams[i * dim + d], sum);
    x[d] = sum;
    squares = __fmaf_rn(sum, sum, squares);
  }
  if (norm_weight == nullptr)
    return;
  const float mean =
      cuda::block_sum<kThreads>(squares, scratch) / static_cast<float>(dim);
  const float factor = 1 / sqrtf(mean + norm_eps);
  for (int64_t d = threadIdx.x; d < dim; d += kThreads)
    x[d] = x[d] * factor * norm_weight[d];
}

__device__ void divide_rows(float* comb, int64_t n, float eps) {
  for (int64_t j = 0; j < n; ++j) {
    float sum = 0;
    for (int64_t k = 0; k < n; ++k)
      sum += comb[j * n + k];
    for (int64_t k = 0; k < n; ++k)
      comb[j * n + k] /= sum + eps;
  }
}

__device__ void divide_columns(float* comb, int64_t n, float eps) {
  for (int64_t k = 0; k < n; ++k) {
    float sum = 0;
    for (int64_t j = 0; j < n; ++j)
      sum += comb[j * n + k];
    for (int64_t j = 0; j < n; ++j)
      comb[j * n + k] /= sum + eps;
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

__global__ void pre_kernel(HyperConnectionPreParams params) {
  __shared__ float mix[kMostOutputs];
  __shared__ float pre[kMostStreams];
  __shared__ float scratch[kWarps];
  const int64_t n = params.n;
  const int64_t channels = n * params.dim;
  const int64_t token = blockIdx.x;
  const float* const streams = params.streams + token * channels;
  mix_streams(streams, channels, params.fn, params.norm_eps, mix, scratch);
  if (threadIdx.x == 0) {
    float* const comb = mix + 2 * n;
    for (int64_t i = 0; i < n; ++i) {
      pre[i] =
          sigmoid(mix[i] * params.scale[0] + params.base[i]) + params.hc_eps;
      params.post[token * n + i] =
          2 * sigmoid(mix[n + i] * params.scale[1] + params.base[n + i]);
    }
    for (int64_t i = 0; i < n * n; ++i)
      comb[i] = comb[i] * params.scale[2] + params.base[2 * n + i];
    softmax_rows(comb, n, params.hc_eps);
    divide_columns(comb, n, params.hc_eps);
    for (int64_t i = 1; i < params.sinkhorn_iterations; ++i) {
      divide_rows(comb, n, params.hc_eps);
      divide_columns(comb, n, params.hc_eps);
    }
    for (int64_t i = 0; i < n * n; ++i)
      params.comb[token * n * n + i] = comb[i];
  }
  __syncthreads();
  collapse(
      streams,
      pre,
      n,
      params.dim,
      params.norm_weight,
      params.norm_eps,
      params.x + token * params.dim,
      scratch);
}

__global__ void post_kernel(HyperConnectionPostParams params) {
  const int64_t d = blockIdx.x * int64_t{kThreads} + threadIdx.x;
  if (d >= params.dim)
    return;
  const int64_t n = params.n;
  const int64_t token = blockIdx.y;
  const float* const streams = params.streams + token * n * params.dim;
  const float* const comb = params.comb + token * n * n;
  const float y = params.y[token * params.dim + d];
  // All are read before any is written: out may be the streams.
  float mixed[kMostStreams];
  for (int64_t k = 0; k < n; ++k) {
    float sum = params.post[token * n + k] * y;
    for (int64_t j = 0; j < n; ++j)
      sum = __fmaf_rn(comb[j * n + k], streams[j * params.dim + d], sum);
    mixed[k] = sum;
  }
  for (int64_t k = 0; k < n; ++k)
    params.out[(token * n + k) * params.dim + d] = mixed[k];
}

__global__ void head_kernel(HyperConnectionHeadParams params) {
  __shared__ float pre[kMostOutputs];
  __shared__ float scratch[kWarps];
  const int64_t channels = params.n * params.dim;
  const int64_t row =
      params.rows == nullptr ? blockIdx.x : params.rows[blockIdx.x];
  const float* const streams = params.streams + row * channels;
  mix_streams(streams, channels, params.fn, params.norm_eps, pre, scratch);
  if (threadIdx.x < params.n)
    pre[threadIdx.x] =
        sigmoid(pre[threadIdx.x] * params.scale[0] + params.base[threadIdx.x]) +
        params.hc_eps;
  __syncthreads();
  collapse(
      streams,
      pre,
      params.n,
      params.dim,
      params.norm_weight,
      params.norm_eps,
      params.x + blockIdx.x * params.dim,
      scratch);
}

}  // namespace

void hyper_connection_pre_cuda(const HyperConnectionPreParams& params) {
  if (params.tokens == 0)
    return;
  cuda::launch(
      pre_kernel, {static_cast<unsigned>(params.tokens), kThreads}, params);
}

void hyper_connection_post_cuda(const HyperConnectionPostParams& params) {
  if (params.tokens == 0)
    return;
  cuda::launch(
      post_kernel,
      {dim3(
           cuda::blocks(params.dim, kThreads),
           static_cast<unsigned>(params.tokens)),
       kThreads},
      params);
}

void hyper_connection_head_cuda(const HyperConnectionHeadParams& params) {
  if (params.tokens == 0)
    return;
  cuda::launch(
      head_kernel, {static_cast<unsigned>(params.tokens), kThreads}, params);
}

}  // namespace hadal
