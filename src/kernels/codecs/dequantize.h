// Weights of any format as float32, one row at a time: the meaning of a
// WeightView, and what every product with float32 or bfloat16 activations uses.
#pragma once

#include <cstdint>

#include "kernels/weight_view.h"

namespace hadal {

// The value of an element:
//   f32, bf16, f16           the number, exactly
//   fp8_block, mxfp8, mxfp4  fl32(code * scale): exact for a power-of-two scale
//   affine                   fma(scale, code, bias): rounded once
// `out` receives cols floats. Throws ErrorCode::internal when the view's
// formats do not fit together (a scale format that the format does not have).
void dequantize_row(const WeightView& view, int64_t row, float* out);

// Columns [first, first + count) of a row; `first` is a multiple of 32.
void dequantize_columns(
    const WeightView& view,
    int64_t row,
    int64_t first,
    int64_t count,
    float* out);

// The whole matrix: out [rows, cols].
void widen(const WeightView& view, float* out);

}  // namespace hadal
