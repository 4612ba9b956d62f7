// A matrix of weights where it lies in the mapped file.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hadal {

enum class WeightFormat : uint8_t {
  f32,
  bf16,
  f16,
  fp8_block,  // E4M3 codes, one scale (E8M0 or F32) a block of 128 x 128
  mxfp4,      // E2M1 codes, low nibble first, one E8M0 scale a group of 32
  mxfp8,      // E4M3 codes, one E8M0 scale a group of 32
  affine,     // w = scale * q + bias, q of 2, 3, 4, 5, 6 or 8 bits
};

enum class ScaleFormat : uint8_t { none, e8m0, f32, bf16, f16 };

// A [rows, cols] matrix, `rows` outputs and `cols` inputs, row-major, not
// owned. The release's packed FP4 (spec 7.2) and MLX's mxfp4 are the same
// bytes, hence one format. Formulas: spec 7.2 and 7.4.
struct WeightView {
  WeightFormat format = WeightFormat::f32;
  ScaleFormat scale_format = ScaleFormat::none;
  uint8_t bits = 0;    // affine only
  uint16_t group = 0;  // affine: 32, 64 or 128 columns a scale and bias
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t row_bytes = 0;     // from one row of `data` to the next
  int64_t scale_stride = 0;  // bytes of `scales` (and of `biases`) from one row
                             // to the next; for fp8_block from one row of
                             // blocks to the next
  const std::byte* data = nullptr;
  const std::byte* scales = nullptr;  // null for f32, bf16, f16
  const std::byte* biases = nullptr;  // affine only, in scale_format

  bool empty() const { return data == nullptr; }
};

// Bytes of one scale.
int64_t bytes_per_scale(ScaleFormat format);

// Columns that share a scale; 0 when the format has none.
int64_t columns_per_scale(const WeightView& like);

// Rows [first, first + count) of `view`. For fp8_block `first` must be a
// multiple of 128 (or the scales could not be addressed).
WeightView row_slice(const WeightView& view, int64_t first, int64_t count);

// A stack of matrices of one shape and format: the routed experts of a layer.
// The release keeps each expert apart (pointers differ freely), MLX stacks
// them.
struct ExpertWeights {
  const WeightView* gate = nullptr;  // [experts]: w1, each [inner, hidden]
  const WeightView* up = nullptr;    // [experts]: w3, each [inner, hidden]
  const WeightView* down = nullptr;  // [experts]: w2, each [hidden, inner]
  int64_t experts = 0;
};

}  // namespace hadal
