// One thread a pair of channels.
#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"

namespace hadal {
namespace {

constexpr int kThreads = 128;

__global__ void rotary_kernel(RotaryParams params) {
  const int64_t pairs = params.rotary_dim / 2;
  const int64_t index = blockIdx.x * int64_t{kThreads} + threadIdx.x;
  if (index >= params.heads * pairs)
    return;
  const int64_t token = blockIdx.y;
  const int64_t head = index / pairs;
  const int64_t i = index % pairs;
  float* const x = params.x + token * params.x_stride +
                   (head + 1) * params.dim - params.rotary_dim + 2 * i;
  const float angle =
      static_cast<float>(params.positions[token]) * params.frequencies[i];
  float sine;
  float cosine;
  sincosf(angle, &sine, &cosine);
  if (params.inverse)
    sine = -sine;
  const float a = x[0];
  const float b = x[1];
  x[0] = a * cosine - b * sine;
  x[1] = a * sine + b * cosine;
}

}  // namespace

void rotary_cuda(const RotaryParams& params) {
  const int64_t count = params.heads * params.rotary_dim / 2;
  if (params.tokens == 0 || count == 0)
    return;
  cuda::launch(
      rotary_kernel,
      {.grid = dim3(
           cuda::blocks(count, kThreads), static_cast<unsigned>(params.tokens)),
       .block = kThreads},
      params);
}

}  // namespace hadal
