// What the float products of a thread work in.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/linear/float_order.h"
#include "kernels/linear/product.h"

namespace hadal {

// Tokens of the widest tile, and rows that are decoded together.
inline constexpr int64_t kMaxTileTokens = 6;
inline constexpr int64_t kDecodedRows = 4;

// Up to so many tokens it is better to decode rows in registers for each tile
// of tokens than once into a panel.
inline constexpr int64_t kFewTokens = 8;

// Rows of a panel of `row_bytes` each: half of a usual second-level cache, a
// multiple of 4.
inline constexpr int64_t kPanelBytes = 512 * 1024;
inline constexpr int64_t kMaxPanelRows = 64;
constexpr int64_t panel_rows(int64_t row_bytes) {
  const int64_t fit = kPanelBytes / row_bytes / 4 * 4;
  return fit < 4 ? 4 : fit > kMaxPanelRows ? kMaxPanelRows : fit;
}

// The most that the last columns of a row take: 64 float32 numbers, 128 codes.
inline constexpr int64_t kTailBytes = 256;

// Memory of one thread for weights of some number of columns; the arrays are
// aligned to 64 bytes.
struct FloatScratch {
  float* starts;     // [kMaxPanelRows]: what a row's sums begin with
  std::byte* panel;  // [panel_rows, groups * 256 bytes at most]
  float* sums;       // [kMaxPanelRows, kMaxTileTokens, kFloatLanes]
  float* scales;     // [kDecodedRows, scale_room]
  float* biases;     // [kDecodedRows, scale_room]
  uint8_t* codes;    // [kDecodedRows, groups * 64]: codes unpacked to bytes
  uint8_t* tail;     // [kDecodedRows, kTailBytes]: the last columns, filled up
  uint16_t* tokens;  // [kFewTokens, groups * 64 + 32]: scaled tokens
  int64_t scale_room;
};

// Bytes for `cols` columns, and the arrays in it.
int64_t float_scratch_bytes(int64_t cols);
FloatScratch lay_out_float_scratch(int64_t cols, std::byte* memory);

// One product of a thread: the arguments of `product`.
struct FloatJob {
  const ProductInput* input;
  const int32_t* ids;
  int64_t count;
  const WeightView* weight;
  int64_t row_begin;
  int64_t row_end;
  float* y;
  int64_t y_stride;
  FloatScratch scratch;

  int64_t input_row(int64_t i) const { return ids != nullptr ? ids[i] : i; }
};

// Products with the bfloat16 dot product. Whether the machine and the chosen
// instruction set have it; `product_bf16` only then.
bool has_bf16_dot();
void product_bf16(const FloatJob& job);
constexpr bool has_bf16_weights(const WeightView& weight) {
  return weight.format == WeightFormat::fp8_block ||
         weight.format == WeightFormat::mxfp8 ||
         weight.format == WeightFormat::bf16;
}

// Rows ids[i] (or i) of an input of bfloat16 pairs as rows of float32 numbers,
// for weights that are no bfloat16 numbers. Valid until the thread's next call.
ProductInput widened_input(
    const ProductInput& input, const int32_t* ids, int64_t count);

// For tests: from now on the machine has it or (false) not.
void allow_bf16_dot(bool allowed);

}  // namespace hadal
