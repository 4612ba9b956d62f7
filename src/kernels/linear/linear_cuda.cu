// Products on a GPU. What the matrix instructions do not take (float32, odd
// shapes): one warp a row of the weight, up to eight tokens at once, so the
// weights are read once for eight tokens.
#include <algorithm>
#include <vector>

#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/prepare.cuh"
#include "kernels/cuda/sums.cuh"
#include "kernels/cuda/weights.cuh"
#include "kernels/linear/matrix_product.h"
#include "kernels/linear/wide_product.h"

namespace hadal {
namespace {

constexpr int kTokens = 8;
constexpr int kThreads = 256;

__global__ void linear_kernel(
    WeightView weight,
    bool rounded,
    const float* x,
    int64_t x_stride,
    int64_t tokens,
    float* y,
    int64_t y_stride) {
  const int64_t row =
      (blockIdx.x * int64_t{kThreads} + threadIdx.x) / cuda::kWarp;
  if (row >= weight.rows)
    return;
  const int64_t first = blockIdx.y * int64_t{kTokens};
  const int count = static_cast<int>(
      tokens - first < kTokens ? tokens - first : int64_t{kTokens});
  float sums[kTokens];
  cuda::row_products<kTokens>(
      weight, row, rounded, x + first * x_stride, x_stride, count, sums);
  for (int t = 0; t < count; ++t) {
    const float sum = cuda::warp_sum(sums[t]);
    if (threadIdx.x % cuda::kWarp == 0)
      y[(first + t) * y_stride + row] = sum;
  }
}

// Whether a product of a call with `rows` rows goes to the prompt's kernels.
// They take tiles of 128 rows, so that few rows leave most of the device idle;
// from so many on they are the faster ones (docs/notes). The bits are the same.
bool is_wide(const LinearParams& params, int64_t rows) {
  constexpr int64_t kManyTokens = 128;
  constexpr int64_t kSomeTokens = 48;
  if (!cuda::takes_wide_product(
          params.weight,
          std::max(params.tokens, kManyTokens),
          params.activation))
    return false;
  if (params.tokens >= kSomeTokens)
    return params.tokens >= kManyTokens || rows >= 8192;
  return params.tokens > 8 && rows >= 16384 &&
         params.weight.format != WeightFormat::affine;
}

// Products that the matrix instructions do not take.
void row_product(const LinearParams& params) {
  const int64_t cols = params.weight.cols;
  const float* x = params.x;
  int64_t stride = params.x_stride;
  if (params.activation != ActivationFormat::f32) {
    static cuda::DeviceBuffer prepared;
    auto* const out = prepared.reserve_array<float>(params.tokens * cols);
    cuda::prepare_activations(
        x, stride, params.tokens, cols, params.activation, false, out);
    x = out;
    stride = cols;
  }
  // More tokens than a grid has rows go in several launches.
  constexpr int64_t kMost = int64_t{65'535} * kTokens;
  for (int64_t first = 0; first < params.tokens; first += kMost) {
    const int64_t count = std::min(kMost, params.tokens - first);
    const dim3 grid(
        cuda::blocks(params.weight.rows, kThreads / cuda::kWarp),
        cuda::blocks(count, kTokens));
    cuda::launch(
        linear_kernel,
        {.grid = grid, .block = kThreads},
        params.weight,
        params.activation == ActivationFormat::bf16,
        x + first * stride,
        stride,
        count,
        params.y + first * params.y_stride,
        params.y_stride);
  }
}

}  // namespace

void linear_many_cuda(std::span<const LinearParams> products) {
  std::vector<LinearParams> together;
  std::vector<LinearParams> wide;
  int64_t rows = 0;
  for (const LinearParams& params : products)
    rows += params.weight.rows;
  for (const LinearParams& params : products) {
    if (params.tokens == 0 || params.weight.rows == 0)
      continue;
    if (is_wide(params, rows))
      wide.push_back(params);
    else if (cuda::takes_matrix_product(params.weight))
      together.push_back(params);
    else
      row_product(params);
  }
  if (!together.empty())
    cuda::matrix_products(together);
  if (!wide.empty())
    cuda::wide_products(wide);
}

void linear_cuda(const LinearParams& params) {
  linear_many_cuda({&params, 1});
}

}  // namespace hadal
