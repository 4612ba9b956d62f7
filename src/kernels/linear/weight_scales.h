// The scales and biases of a weight as float32, one by one.
#pragma once

#include <cstdint>

#include "kernels/weight_view.h"

namespace hadal {

// The scale (bias) of the element at `row`, `col`. mxfp4, mxfp8, fp8_block and
// affine only; biases affine only.
float weight_scale(const WeightView& view, int64_t row, int64_t col);
float weight_bias(const WeightView& view, int64_t row, int64_t col);

}  // namespace hadal
