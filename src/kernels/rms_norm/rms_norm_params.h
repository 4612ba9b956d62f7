// Root-mean-square norm of rows (spec 2.1).
#pragma once

#include <cstdint>

namespace hadal {

// y[r] = x[r] * rsqrt(mean(x[r]^2) + eps) * weight. float32; x may equal y.
// A null weight means no weight (the per-head norm of q, spec 3.2).
struct RmsNormParams {
  const float* x = nullptr;  // [rows, dim]
  int64_t x_stride = 0;      // floats
  float* y = nullptr;        // [rows, dim]
  int64_t y_stride = 0;
  int64_t rows = 0;
  int64_t dim = 0;
  const float* weight = nullptr;  // [dim] or null
  float eps = 0;
};

}  // namespace hadal
