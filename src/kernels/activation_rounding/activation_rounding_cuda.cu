#include <cmath>

#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/sums.cuh"

namespace hadal {
namespace {

// One warp a block of columns.
__global__ void fp8_kernel(Fp8RoundTripParams params) {
  float* const x = params.x + blockIdx.y * params.stride;
  const int64_t first = blockIdx.x * params.block;
  const int64_t count =
      params.cols - first < params.block ? params.cols - first : params.block;
  uint32_t largest = 0;
  for (int64_t i = threadIdx.x; i < count; i += cuda::kWarp)
    largest = max(largest, cuda::magnitude_bits(x[first + i]));
  const float scale = cuda::fp8_block_scale(cuda::warp_max(largest));
  for (int64_t i = threadIdx.x; i < count; i += cuda::kWarp)
    x[first + i] =
        cuda::e4m3_value(cuda::e4m3_code(x[first + i] / scale)) * scale;
}

constexpr int kThreads = 128;

// One block a row, which lies in shared memory.
__global__ void hadamard_kernel(HadamardFp4Params params, float factor) {
  extern __shared__ float row[];  // [dim]
  float* const x = params.x + blockIdx.x * params.stride;
  for (int64_t i = threadIdx.x; i < params.dim; i += kThreads)
    row[i] = x[i];
  __syncthreads();
  for (int64_t h = 1; h < params.dim; h *= 2) {
    for (int64_t i = threadIdx.x; i < params.dim / 2; i += kThreads) {
      const int64_t at = i / h * 2 * h + i % h;
      const float a = row[at];
      const float b = row[at + h];
      row[at] = a + b;
      row[at + h] = a - b;
    }
    __syncthreads();
  }
  for (int64_t i = threadIdx.x; i < params.dim; i += kThreads) {
    const float value = row[i] * factor;
    // A warp's values are a block of 32: dim is a multiple of that.
    const float scale =
        cuda::fp4_block_scale(cuda::warp_max(cuda::magnitude_bits(value)));
    x[i] = cuda::e2m1_value(cuda::e2m1_code(value / scale)) * scale;
  }
}

}  // namespace

void fp8_round_trip_cuda(const Fp8RoundTripParams& params) {
  if (params.rows == 0)
    return;
  cuda::launch(
      fp8_kernel,
      {.grid = dim3(
           cuda::blocks(params.cols, params.block),
           static_cast<unsigned>(params.rows)),
       .block = cuda::kWarp},
      params);
}

void hadamard_fp4_cuda(const HadamardFp4Params& params) {
  if (params.rows == 0)
    return;
  const auto factor =
      static_cast<float>(1 / std::sqrt(static_cast<double>(params.dim)));
  cuda::launch(
      hadamard_kernel,
      {.grid = static_cast<unsigned>(params.rows),
       .block = kThreads,
       .shared_bytes = static_cast<unsigned>(params.dim * sizeof(float))},
      params,
      factor);
}

}  // namespace hadal
