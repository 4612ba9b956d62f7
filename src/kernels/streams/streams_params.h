// How the residual streams begin (spec 2.4, 6.2).
#pragma once

#include <cstdint>

#include "kernels/weight_view.h"

namespace hadal {

// out[t, k] = row ids[t] of `weight`, for all k < copies.
struct EmbedParams {
  WeightView weight;             // [vocabulary, dim], any format
  const int32_t* ids = nullptr;  // [tokens]
  int64_t tokens = 0;
  int64_t copies = 1;
  float* out = nullptr;  // [tokens, copies, dim]
};

// out[t, k] = a[t, k] + b[t]. `out` may equal `a`.
struct AddToStreamsParams {
  const float* a = nullptr;  // [tokens, n, dim]
  const float* b = nullptr;  // [tokens, dim]
  int64_t tokens = 0;
  int64_t n = 0;
  int64_t dim = 0;
  float* out = nullptr;  // [tokens, n, dim]
};

}  // namespace hadal
