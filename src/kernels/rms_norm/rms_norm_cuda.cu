// One block a row.
#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/sums.cuh"

namespace hadal {
namespace {

constexpr int kThreads = 256;

__global__ void rms_norm_kernel(RmsNormParams params) {
  __shared__ float scratch[kThreads / cuda::kWarp];
  const float* const x = params.x + blockIdx.x * params.x_stride;
  float* const y = params.y + blockIdx.x * params.y_stride;
  float squares = 0;
  for (int64_t i = threadIdx.x; i < params.dim; i += kThreads)
    squares = __fmaf_rn(x[i], x[i], squares);
  const float mean = cuda::block_sum<kThreads>(squares, scratch) /
                     static_cast<float>(params.dim);
  const float factor = 1 / sqrtf(mean + params.eps);
  for (int64_t i = threadIdx.x; i < params.dim; i += kThreads)
    y[i] = params.weight == nullptr ? x[i] * factor
                                    : x[i] * factor * params.weight[i];
}

}  // namespace

void rms_norm_cuda(const RmsNormParams& params) {
  if (params.rows == 0)
    return;
  cuda::launch(
      rms_norm_kernel,
      {.grid = static_cast<unsigned>(params.rows), .block = kThreads},
      params);
}

}  // namespace hadal
