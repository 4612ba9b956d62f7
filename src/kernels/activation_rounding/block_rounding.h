// Rows of the activation roundings, by one thread, with vectors.
#pragma once

#include <cstdint>

namespace hadal {

// Rounds x[0, cols) in blocks of `block` (activation_rounding.h).
void round_fp8_row(float* x, int64_t cols, int64_t block);

// Transforms and rounds x[0, dim); `factor` is dim^-0.5.
void hadamard_fp4_row(float* x, int64_t dim, float factor);

}  // namespace hadal
