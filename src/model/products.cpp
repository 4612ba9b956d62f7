#include "model/products.h"

#include <algorithm>

#include "base/check.h"

namespace hadal {

void ProductList::add_unrounded(
    const float* x,
    int64_t x_stride,
    const WeightView& weight,
    float* y,
    int64_t y_stride) {
  products_.push_back(
      {.x = x,
       .x_stride = x_stride,
       .y = y,
       .y_stride = y_stride,
       .tokens = rows_,
       .weight = weight,
       .activation = activation_for(weight, pass_.network.numerics)});
}

void ProductList::add(
    const float* x,
    int64_t x_stride,
    const WeightView& weight,
    float* y,
    int64_t y_stride) {
  if (!pass_.network.numerics.gemm_fp8 || !takes_fp8_input(weight))
    return add_unrounded(x, x_stride, weight, y, y_stride);
  const int64_t cols = weight.cols;
  HADAL_CHECK(rounded_input_ == nullptr || rounded_input_ == x);
  if (rounded_input_ == nullptr) {
    rounded_input_ = x;
    float* const rounded = pass_.work.rounded.reserve(rows_ * cols);
    const StoreRowsParams copy{
        .ring = {reinterpret_cast<std::byte*>(rounded), rows_, cols * 4},
        .count = rows_,
        .rows = reinterpret_cast<const std::byte*>(x),
        .stride = x_stride * 4};
    pass_.backend.store_rows({&copy, 1}, pass_.team);
    pass_.backend.fp8_round_trip(
        {.x = rounded,
         .stride = cols,
         .rows = rows_,
         .cols = cols,
         .block = 128},
        pass_.team);
  }
  add_unrounded(pass_.work.rounded.data(), cols, weight, y, y_stride);
}

void ProductList::add_float32(
    const float* x,
    int64_t x_stride,
    const WeightView& weight,
    float* y,
    int64_t y_stride) {
  products_.push_back(
      {.x = x,
       .x_stride = x_stride,
       .y = y,
       .y_stride = y_stride,
       .tokens = rows_,
       .weight = weight,
       .activation = ActivationFormat::f32});
}

void ProductList::run() {
  pass_.backend.linear_many(products_, pass_.team);
}

void product(
    const Pass& pass,
    const float* x,
    int64_t x_stride,
    const WeightView& weight,
    float* y,
    int64_t y_stride,
    int64_t rows) {
  ProductList list(pass, rows);
  list.add(x, x_stride, weight, y, y_stride);
  list.run();
}

void float32_product(
    const Pass& pass,
    const float* x,
    int64_t x_stride,
    const WeightView& weight,
    float* y,
    int64_t y_stride,
    int64_t rows) {
  ProductList list(pass, rows);
  list.add_float32(x, x_stride, weight, y, y_stride);
  list.run();
}

void norm_rows(
    const Pass& pass,
    const float* x,
    const KernelVector& weight,
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
