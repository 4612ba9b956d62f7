// The hyper-connections on CUDA: in clusters where that goes, else in blocks.
#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/wait.cuh"
#include "kernels/hyper_connection/stream_mixing_cuda.h"

namespace hadal {
namespace {

constexpr int kThreads = 256;
constexpr int kMostStreams = 8;

// HCpost alone; in the order of sums that the others have.
__global__ void post_kernel(const HyperConnectionPostParams params) {
  cuda::wait_for_predecessor();
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

void mix(const StreamMixing& mixing) {
  if (mixing.tokens == 0 || mix_in_clusters(mixing))
    return;
  mix_in_blocks(mixing);
}

StreamMixing mixing_of(const HyperConnectionPreParams& params) {
  return {
      .tokens = params.tokens,
      .n = params.n,
      .dim = params.dim,
      .streams = const_cast<float*>(params.streams),  // without y only read
      .fn = params.fn,
      .base = params.base,
      .scale = params.scale,
      .sinkhorn_iterations = params.sinkhorn_iterations,
      .norm_eps = params.norm_eps,
      .hc_eps = params.hc_eps,
      .norm_weight = params.norm_weight,
      .x = params.x,
      .post = params.post,
      .comb = params.comb};
}

}  // namespace

void hyper_connection_pre_cuda(const HyperConnectionPreParams& params) {
  mix(mixing_of(params));
}

void hyper_connection_between_cuda(const HyperConnectionBetweenParams& params) {
  const HyperConnectionPostParams& post = params.post;
  StreamMixing mixing = mixing_of(params.pre);
  mixing.y = post.y;
  mixing.old_streams = post.streams;
  mixing.old_post = post.post;
  mixing.old_comb = post.comb;
  mixing.streams = post.out;
  mix(mixing);
}

void hyper_connection_head_cuda(const HyperConnectionHeadParams& params) {
  mix(
      {.tokens = params.tokens,
       .n = params.n,
       .dim = params.dim,
       .streams = const_cast<float*>(params.streams),
       .rows = params.rows,
       .fn = params.fn,
       .base = params.base,
       .scale = params.scale,
       .norm_eps = params.norm_eps,
       .hc_eps = params.hc_eps,
       .norm_weight = params.norm_weight,
       .x = params.x});
}

void hyper_connection_post_cuda(const HyperConnectionPostParams& params) {
  if (params.tokens == 0)
    return;
  cuda::launch(
      post_kernel,
      {.grid = dim3(
           cuda::blocks(params.dim, kThreads),
           static_cast<unsigned>(params.tokens)),
       .block = kThreads,
       .start = cuda::Start::early},
      params);
}

}  // namespace hadal
