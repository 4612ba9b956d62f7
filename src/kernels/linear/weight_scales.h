// The scales and biases of a weight as float32, one by one or as the tables
// that the product kernels walk.
#pragma once

#include <cstdint>

#include "kernels/weight_view.h"

namespace hadal {

// The scale (bias) of the element at `row`, `col`. mxfp4, mxfp8, fp8_block and
// affine only; biases affine only.
float weight_scale(const WeightView& view, int64_t row, int64_t col);
float weight_bias(const WeightView& view, int64_t row, int64_t col);

// The factors of an int8 product with rows [first, first + lanes) of an mxfp4
// or affine weight, of which those from `rows_end` on repeat the last one:
// scales[block * lanes + i] for every block of 32 columns; for mxfp4 the scale
// is halved, since its codes count halves. biases likewise, untouched for
// mxfp4.
void fill_scale_table(
    const WeightView& view,
    int64_t first,
    int64_t rows_end,
    int64_t lanes,
    float* scales,
    float* biases);

// The codes of an affine row as bytes in the order of the int8 kernels: groups
// of 128 columns, in each first the 64 even columns, then the 64 odd ones;
// zeros up to a multiple of 128. `codes` has room for cols rounded up to 128.
void unpack_split_row(const WeightView& view, int64_t row, uint8_t* codes);

}  // namespace hadal
