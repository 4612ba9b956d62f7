// One integer product of one thread, as its kernels see it.
#pragma once

#include <cstdint>

#include "kernels/linear/integer_input.h"
#include "kernels/linear/product.h"
#include "kernels/weight_view.h"

namespace hadal {

// Plain values, so that files compiled once per instruction set can share it.
struct IntegerJob {
  const ProductInput* input;
  const int32_t* ids;  // null: rows 0 .. count - 1 of the input
  int64_t count;
  const WeightView* weight;
  int64_t row_begin;
  int64_t row_end;
  float* y;  // of row_begin
  int64_t y_stride;

  int64_t input_row(int64_t i) const { return ids != nullptr ? ids[i] : i; }
};

// Accumulators of an output: block b goes to number b mod 16 (linear.h).
inline constexpr int64_t kIntegerSums = 16;

// Blocks of `cols` columns, filled up to a multiple of kIntegerSums.
constexpr int64_t padded_blocks(int64_t cols) {
  return (cols / 32 + kIntegerSums - 1) / kIntegerSums * kIntegerSums;
}

// The scratch memory of both is aligned to 64 bytes.
//
// Few tokens, at most kRowTokens: rows are decoded in registers.
inline constexpr int64_t kRowTokens = 4;
void integer_rows(const IntegerJob& job, std::byte* scratch);
int64_t integer_rows_bytes(int64_t cols);

// Many tokens: a panel of rows is decoded once, then tokens pass over it.
void integer_panels(const IntegerJob& job, std::byte* scratch);
int64_t integer_panel_bytes();

// What both do where there are no vector instructions.
void plain_integer_product(const IntegerJob& job);

}  // namespace hadal
