// Eight channels a thread of an embedding row, one of a sum.
#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/wait.cuh"
#include "kernels/cuda/weights.cuh"

namespace hadal {
namespace {

constexpr int kThreads = 128;

__global__ void __launch_bounds__(kThreads) embed_kernel(EmbedParams params) {
  cuda::wait_for_predecessor();
  const int64_t dim = params.weight.cols;
  const int64_t k = 8 * (blockIdx.x * int64_t{kThreads} + threadIdx.x);
  if (k >= dim)
    return;
  const int64_t token = blockIdx.y;
  float values[8];
  cuda::eight_weights(params.weight, params.ids[token], k, false, values);
  const int count = dim - k < 8 ? static_cast<int>(dim - k) : 8;
  for (int64_t copy = 0; copy < params.copies; ++copy)
    for (int i = 0; i < count; ++i)
      params.out[(token * params.copies + copy) * dim + k + i] = values[i];
}

__global__ void __launch_bounds__(kThreads)
    add_kernel(AddToStreamsParams params) {
  cuda::wait_for_predecessor();
  const int64_t d = blockIdx.x * int64_t{kThreads} + threadIdx.x;
  if (d >= params.dim)
    return;
  const int64_t token = blockIdx.y;
  const float b = params.b[token * params.dim + d];
  for (int64_t k = 0; k < params.n; ++k) {
    const int64_t at = (token * params.n + k) * params.dim + d;
    params.out[at] = params.a[at] + b;
  }
}

cuda::LaunchShape one_row_a_token(int64_t threads, int64_t tokens) {
  return {
      .grid =
          dim3(cuda::blocks(threads, kThreads), static_cast<unsigned>(tokens)),
      .block = kThreads,
      .start = cuda::Start::early};
}

}  // namespace

void embed_cuda(const EmbedParams& params) {
  if (params.tokens > 0)
    cuda::launch(
        embed_kernel,
        one_row_a_token((params.weight.cols + 7) / 8, params.tokens),
        params);
}

void add_to_streams_cuda(const AddToStreamsParams& params) {
  if (params.tokens > 0)
    cuda::launch(
        add_kernel, one_row_a_token(params.dim, params.tokens), params);
}

}  // namespace hadal
