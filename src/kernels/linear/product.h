// The machinery of every matrix product on the CPU (linear and experts): rows
// of activations are prepared once, then any range of weight rows is multiplied
// with any list of them by one thread. Bits: see linear.h; they do not depend
// on the list, the range or the instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/linear/linear_params.h"
#include "kernels/weight_view.h"

namespace hadal {

// Prepared rows of activations; points into memory of the caller.
struct ProductInput {
  ActivationFormat format = ActivationFormat::f32;
  int64_t rows = 0;
  int64_t cols = 0;
  // f32 and bf16: rows of `stride` numbers in the order of float_order.h, zeros
  // from cols to a multiple of 64. bf16 as pairs where the machine has their
  // dot product, else widened.
  float* values = nullptr;
  uint16_t* pairs = nullptr;
  int64_t stride = 0;
  // int8 and int16: rows of `code_stride` bytes, laid out as integer_input.h
  // says.
  int8_t* codes = nullptr;
  int64_t code_stride = 0;
};

// Bytes of memory for `rows` prepared rows, and the arrays laid out in it
// (`memory` is aligned to 64 bytes).
int64_t product_input_bytes(
    ActivationFormat format, int64_t rows, int64_t cols);
ProductInput lay_out_product_input(
    ActivationFormat format, int64_t rows, int64_t cols, std::byte* memory);

// Fills rows [begin, end) from x. Disjoint ranges may be filled at once by
// several threads.
void prepare_product_input(
    const ProductInput& input,
    const float* x,
    int64_t x_stride,
    int64_t begin,
    int64_t end);

// The same rows from `first` on.
ProductInput product_rows_from(const ProductInput& input, int64_t first);

// Throws ErrorCode::internal when the weight cannot be multiplied with this
// activation format.
void check_product(const WeightView& weight, ActivationFormat format);

// Bytes of scratch memory (aligned to 64) that one thread needs for products
// with weights of `cols` columns.
int64_t product_scratch_bytes(int64_t cols);

// y[i * y_stride + r - row_begin] = row r of the weight times input row
// ids[i] (i itself when ids is null), for i < count, row_begin <= r < row_end.
// row_begin is a multiple of 4.
void product(
    const ProductInput& input,
    const int32_t* ids,
    int64_t count,
    const WeightView& weight,
    int64_t row_begin,
    int64_t row_end,
    float* y,
    int64_t y_stride,
    std::byte* scratch);

// Implementations by activation format (float_input.cpp, product_float.cpp,
// product_integer.cpp).
int64_t float_input_bytes(ActivationFormat format, int64_t rows, int64_t cols);
ProductInput lay_out_float_input(
    ActivationFormat format, int64_t rows, int64_t cols, std::byte* memory);
void prepare_float_input(
    const ProductInput& input,
    const float* x,
    int64_t x_stride,
    int64_t begin,
    int64_t end);
void prepare_integer_input(
    const ProductInput& input,
    const float* x,
    int64_t x_stride,
    int64_t begin,
    int64_t end);
void float_product(
    const ProductInput& input,
    const int32_t* ids,
    int64_t count,
    const WeightView& weight,
    int64_t row_begin,
    int64_t row_end,
    float* y,
    int64_t y_stride,
    std::byte* scratch);
void integer_product(
    const ProductInput& input,
    const int32_t* ids,
    int64_t count,
    const WeightView& weight,
    int64_t row_begin,
    int64_t row_end,
    float* y,
    int64_t y_stride,
    std::byte* scratch);
int64_t float_scratch_bytes(int64_t cols);
int64_t integer_scratch_bytes(int64_t cols);

}  // namespace hadal
