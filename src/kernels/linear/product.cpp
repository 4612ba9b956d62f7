// Plain code around the product kernels: memory layout and choice.
#include "kernels/linear/product.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace hadal {
namespace {

int64_t round_up(int64_t value, int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

// Of one row of integer codes: a byte a plane and column.
int64_t code_bytes(ActivationFormat format, int64_t cols) {
  const int64_t planes = format == ActivationFormat::int16 ? 2 : 1;
  return planes * round_up(cols, 128);
}

// As float_to_bf16, without a branch.
float round_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = bits + 0x7FFF + ((bits >> 16) & 1);
  const bool nan = (bits & 0x7FFFFFFF) > 0x7F800000;
  return std::bit_cast<float>((nan ? bits | 0x400000 : rounded) & 0xFFFF0000);
}

}  // namespace

int64_t product_input_bytes(
    ActivationFormat format, int64_t rows, int64_t cols) {
  if (!is_integer(format))
    return rows * round_up(cols, 16) * 4;
  const int64_t blocks = (cols + 31) / 32;
  return rows * code_bytes(format, cols) + 3 * round_up(rows * blocks * 4, 64);
}

ProductInput lay_out_product_input(
    ActivationFormat format, int64_t rows, int64_t cols, std::byte* memory) {
  ProductInput input{.format = format, .rows = rows, .cols = cols};
  if (!is_integer(format)) {
    input.values = reinterpret_cast<float*>(memory);
    input.stride = round_up(cols, 16);
    return input;
  }
  input.blocks = (cols + 31) / 32;
  input.code_stride = code_bytes(format, cols);
  input.codes = reinterpret_cast<int8_t*>(memory);
  memory += rows * input.code_stride;
  const int64_t array = round_up(rows * input.blocks * 4, 64);
  input.scales = reinterpret_cast<float*>(memory);
  input.sums = reinterpret_cast<int32_t*>(memory + array);
  input.scaled_sums = reinterpret_cast<float*>(memory + 2 * array);
  return input;
}

// Plain code: the compiler turns the loop into vector code by itself.
void prepare_float_input(
    const ProductInput& input,
    const float* x,
    int64_t x_stride,
    int64_t begin,
    int64_t end) {
  for (int64_t r = begin; r < end; ++r) {
    const float* from = x + r * x_stride;
    float* to = input.values + r * input.stride;
    if (input.format == ActivationFormat::bf16)
      for (int64_t k = 0; k < input.cols; ++k)
        to[k] = round_to_bf16(from[k]);
    else
      std::copy_n(from, input.cols, to);
    std::fill(to + input.cols, to + input.stride, 0.0F);
  }
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
    rest.values += first * input.stride;
    return rest;
  }
  rest.codes += first * input.code_stride;
  rest.scales += first * input.blocks;
  rest.sums += first * input.blocks;
  rest.scaled_sums += first * input.blocks;
  return rest;
}

void check_product(const WeightView& weight, ActivationFormat format) {
  const bool fp4 = weight.format == WeightFormat::mxfp4;
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
