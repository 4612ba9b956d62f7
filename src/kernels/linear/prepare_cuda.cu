#include "kernels/activation_rounding/activation_rounding_params.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/prepare.cuh"
#include "kernels/cuda/sums.cuh"

namespace hadal::cuda {
namespace {

__device__ float bf16_activation(float x) {
  const float rounded = bf16_value(bf16_bits(x));
  if (fabsf(rounded) < 0x1p-64F)
    return 0;
  return fabsf(rounded) >= 0x1p87F
             ? copysignf(__uint_as_float(kFloatInfinity), rounded)
             : rounded;
}

// `limit` as in linear.h: the largest code.
__device__ float integer_activation(float x, uint32_t largest, float limit) {
  if (largest >= kFloatInfinity)
    return __uint_as_float(kFloatNan);
  const float amax = __uint_as_float(largest);
  if (amax < 0x1p-100F)
    return 0;
  return rintf(x * (limit / amax)) * (amax / limit);
}

// One warp a block of 32 columns.
__global__ void prepare_kernel(
    const float* x,
    int64_t x_stride,
    int64_t cols,
    ActivationFormat format,
    float* out) {
  const int64_t k = blockIdx.x * int64_t{blockDim.x} + threadIdx.x;
  const int64_t t = blockIdx.y;
  const bool inside = k < cols;
  const float value = inside ? x[t * x_stride + k] : 0;
  const uint32_t largest = warp_max(magnitude_bits(value));
  float result = value;
  if (format == ActivationFormat::bf16)
    result = bf16_activation(value);
  else if (format == ActivationFormat::int8)
    result = integer_activation(value, largest, 127);
  else if (format == ActivationFormat::int16)
    result = integer_activation(value, largest, 32639);
  if (inside)
    out[t * cols + k] = result;
}

}  // namespace

void prepare_activations(
    const float* x,
    int64_t x_stride,
    int64_t tokens,
    int64_t cols,
    ActivationFormat format,
    bool gemm_fp8,
    float* out) {
  constexpr int kThreads = 128;
  const LaunchShape shape = {
      .grid = dim3(blocks(cols, kThreads), static_cast<unsigned>(tokens)),
      .block = kThreads};
  if (!gemm_fp8) {
    launch(prepare_kernel, shape, x, x_stride, cols, format, out);
    return;
  }
  launch(prepare_kernel, shape, x, x_stride, cols, ActivationFormat::f32, out);
  fp8_round_trip_cuda(
      {.x = out, .stride = cols, .rows = tokens, .cols = cols, .block = 128});
  launch(prepare_kernel, shape, out, cols, cols, format, out);
}

}  // namespace hadal::cuda
