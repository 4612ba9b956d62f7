// Activations as a product takes them (linear_params.h), as float32: a block of
// integer codes comes back as code * scale.
#pragma once

#include <cstdint>

#include "kernels/linear/linear_params.h"

namespace hadal::cuda {

// out [tokens, cols] from x [tokens, x_stride]; cols > 0. `gemm_fp8`: after the
// round trip of spec 8.1 in blocks of 128.
void prepare_activations(
    const float* x,
    int64_t x_stride,
    int64_t tokens,
    int64_t cols,
    ActivationFormat format,
    bool gemm_fp8,
    float* out);

}  // namespace hadal::cuda
