#include "model/products.h"

#include <algorithm>

namespace hadal {

void unrounded_product(
    const Pass& pass,
    const float* x,
    int64_t x_stride,
    const WeightView& weight,
    float* y,
    int64_t y_stride,
    int64_t rows) {
  pass.backend.linear(
      {.x = x,
       .x_stride = x_stride,
       .y = y,
       .y_stride = y_stride,
       .tokens = rows,
       .weight = weight,
       .activation = activation_for(weight, pass.network.numerics)},
      pass.team);
}

void product(
    const Pass& pass,
    const float* x,
    int64_t x_stride,
    const WeightView& weight,
    float* y,
    int64_t y_stride,
    int64_t rows) {
  if (!pass.network.numerics.gemm_fp8 || !takes_fp8_input(weight))
    return unrounded_product(pass, x, x_stride, weight, y, y_stride, rows);
  const int64_t cols = weight.cols;
  float* const rounded = pass.work.rounded.reserve(rows * cols);
  for (int64_t r = 0; r < rows; ++r)
    std::copy_n(x + r * x_stride, cols, rounded + r * cols);
  pass.backend.fp8_round_trip(
      {.x = rounded, .stride = cols, .rows = rows, .cols = cols, .block = 128},
      pass.team);
  unrounded_product(pass, rounded, cols, weight, y, y_stride, rows);
}

void float32_product(
    const Pass& pass,
    const float* x,
    int64_t x_stride,
    const WeightView& weight,
    float* y,
    int64_t y_stride,
    int64_t rows) {
  pass.backend.linear(
      {.x = x,
       .x_stride = x_stride,
       .y = y,
       .y_stride = y_stride,
       .tokens = rows,
       .weight = weight,
       .activation = ActivationFormat::f32},
      pass.team);
}

void norm_rows(
    const Pass& pass,
    const float* x,
    const std::vector<float>& weight,
    float* y,
    int64_t rows,
    int64_t dim) {
  pass.backend.rms_norm(
      {.x = x,
       .x_stride = dim,
       .y = y,
       .y_stride = dim,
       .rows = rows,
       .dim = dim,
       .weight = weight.empty() ? nullptr : weight.data(),
       .eps = pass.config().rms_norm_eps},
      pass.team);
}

}  // namespace hadal
