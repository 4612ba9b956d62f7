// The roundings that the official code applies to activations (spec 8).
#pragma once

#include <cstdint>

namespace hadal {

// In place on columns [0, cols) of every row: blocks of `block` columns are
// rounded to E4M3 with a power-of-two scale (spec 8.1). The last block may be
// shorter.
struct Fp8RoundTripParams {
  float* x = nullptr;  // [rows, stride]
  int64_t stride = 0;  // floats
  int64_t rows = 0;
  int64_t cols = 0;
  int64_t block = 0;  // 128 for product inputs, 64 for cached rows
};

// In place: the normalised Hadamard transform of `dim` (a power of two)
// channels, then E2M1 with a power-of-two scale in blocks of 32
// (spec 3.8, 8.2).
struct HadamardFp4Params {
  float* x = nullptr;  // [rows, dim]
  int64_t stride = 0;  // floats
  int64_t rows = 0;
  int64_t dim = 0;
};

}  // namespace hadal
