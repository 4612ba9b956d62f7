// Rotation of interleaved channel pairs by position (spec 3.3).
#pragma once

#include <cstdint>

namespace hadal {

// Rotates the last `rotary_dim` channels of every head of x in place:
// (x[2i], x[2i+1]) times exp(+j p f_i), or exp(-j p f_i) when `inverse`. The
// angle is the float32 product float(p) * f_i; sine and cosine are accurate.
struct RotaryParams {
  float* x = nullptr;    // [tokens, heads, dim]
  int64_t x_stride = 0;  // floats from one token to the next
  int64_t tokens = 0;
  int64_t heads = 0;
  int64_t dim = 0;
  int64_t rotary_dim = 0;
  const int64_t* positions = nullptr;  // [tokens]
  const float* frequencies = nullptr;  // [rotary_dim / 2]
  bool inverse = false;
};

}  // namespace hadal
