// One thread a channel of a pooled row.
#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"

namespace hadal {
namespace {

constexpr int kThreads = 128;

// Where a token's value of a channel lies, in the chunk or in the history.
__device__ int64_t offset_of(
    const CompressorPoolParams& params, int64_t position, int64_t channel) {
  if (position >= params.chunk_start)
    return (position - params.chunk_start) * params.chunk_stride + channel;
  const int64_t channels = params.dim * (params.ratio == 4 ? 2 : 1);
  return position % params.history_capacity * channels + channel;
}

__global__ void pool_kernel(CompressorPoolParams params) {
  const int64_t channel = blockIdx.x * int64_t{kThreads} + threadIdx.x;
  if (channel >= params.dim)
    return;
  const int64_t window = params.first_window + blockIdx.y;
  const int64_t start = window * params.ratio;
  const bool overlap = params.ratio == 4;
  const int64_t first = overlap && window > 0 ? start - params.ratio : start;
  const int64_t end = start + params.ratio;
  const auto value = [&](const float* chunk, const float* history, int64_t p) {
    const int64_t from = overlap && p >= start ? params.dim + channel : channel;
    const int64_t at = offset_of(params, p, from);
    return p >= params.chunk_start ? chunk[at] : history[at];
  };
  float most = value(params.chunk_g, params.history_g, first);
  for (int64_t p = first + 1; p < end; ++p)
    most = fmaxf(most, value(params.chunk_g, params.history_g, p));
  float sum = 0;
  float weights = 0;
  for (int64_t p = first; p < end; ++p) {
    const float weight =
        expf(value(params.chunk_g, params.history_g, p) - most);
    sum = __fmaf_rn(weight, value(params.chunk_z, params.history_z, p), sum);
    weights += weight;
  }
  params.out[blockIdx.y * params.dim + channel] = sum / weights;
}

}  // namespace

void compressor_pool_cuda(const CompressorPoolParams& params) {
  if (params.windows == 0)
    return;
  cuda::launch(
      pool_kernel,
      {.grid = dim3(
           cuda::blocks(params.dim, kThreads),
           static_cast<unsigned>(params.windows)),
       .block = kThreads},
      params);
}

}  // namespace hadal
