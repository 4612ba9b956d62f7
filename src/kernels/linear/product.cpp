// Plain code around the product kernels: memory layout and choice.
#include "kernels/linear/product.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/linear/integer_input.h"

namespace hadal {
int64_t product_input_bytes(
    ActivationFormat format, int64_t rows, int64_t cols) {
  if (!is_integer(format))
    return float_input_bytes(format, rows, cols);
  return rows * integer_row_bytes(format, cols);
}

ProductInput lay_out_product_input(
    ActivationFormat format, int64_t rows, int64_t cols, std::byte* memory) {
  if (!is_integer(format))
    return lay_out_float_input(format, rows, cols, memory);
  ProductInput input{.format = format, .rows = rows, .cols = cols};
  input.codes = reinterpret_cast<int8_t*>(memory);
  input.code_stride = integer_row_bytes(format, cols);
  return input;
}

void prepare_product_input(
    const ProductInput& input,
    const float* x,
    int64_t x_stride,
    int64_t begin,
    int64_t end) {
  if (is_integer(input.format))
    prepare_integer_input(input, x, x_stride, begin, end);
  else
    prepare_float_input(input, x, x_stride, begin, end);
}

ProductInput product_rows_from(const ProductInput& input, int64_t first) {
  ProductInput rest = input;
  rest.rows -= first;
  if (!is_integer(input.format)) {
    if (input.pairs != nullptr)
      rest.pairs += first * input.stride;
    else
      rest.values += first * input.stride;
    return rest;
  }
  rest.codes += first * input.code_stride;
  return rest;
}

void check_product(const WeightView& weight, ActivationFormat format) {
  const bool fp4 = weight.format == WeightFormat::mxfp4;
  HADAL_CHECK(
      format != ActivationFormat::bf16 || (weight.format != WeightFormat::f32 &&
                                           weight.format != WeightFormat::f16));
  HADAL_CHECK(format != ActivationFormat::int16 || fp4);
  HADAL_CHECK(
      format != ActivationFormat::int8 || fp4 ||
      weight.format == WeightFormat::affine);
}

int64_t product_scratch_bytes(int64_t cols) {
  return std::max(float_scratch_bytes(cols), integer_scratch_bytes(cols));
}

void product(
    const ProductInput& input,
    const int32_t* ids,
    int64_t count,
    const WeightView& weight,
    int64_t row_begin,
    int64_t row_end,
    float* y,
    int64_t y_stride,
    std::byte* scratch) {
  if (count == 0 || row_begin >= row_end)
    return;
  const auto run = is_integer(input.format) ? integer_product : float_product;
  run(input, ids, count, weight, row_begin, row_end, y, y_stride, scratch);
}

}  // namespace hadal
