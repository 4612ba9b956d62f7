// y = x * W^T for a weight matrix of any format.
#pragma once

#include <cstdint>

#include "kernels/weight_view.h"

namespace hadal {

// What happens to the activations before the product (design.md 3).
enum class ActivationFormat : uint8_t {
  f32,    // as they are, the weights widened to float32
  bf16,   // rounded to bfloat16; products and sums in float32; weights of any
          // format but f32 and f16
  int8,   // blocks of 32 along K: scale = amax / 127 in float32, codes rounded
          // to nearest even; exact int32 inside a block
  int16,  // the same with scale = amax / 32639: each code two bytes, so twice
          // the byte products; mxfp4 weights only
};

constexpr bool is_integer(ActivationFormat format) {
  return format == ActivationFormat::int8 || format == ActivationFormat::int16;
}

// y [tokens, rows] = x [tokens, cols] * W^T. All float32, row strides in
// floats. x and y do not overlap. The order of the sums is part of the
// contract, see linear.h; it depends on the weight's shape and format alone.
struct LinearParams {
  const float* x = nullptr;
  int64_t x_stride = 0;
  float* y = nullptr;
  int64_t y_stride = 0;
  int64_t tokens = 0;
  WeightView weight;
  ActivationFormat activation = ActivationFormat::f32;
};

}  // namespace hadal
