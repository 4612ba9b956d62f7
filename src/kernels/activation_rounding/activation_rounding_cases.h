// Cases of the activation roundings. Reference and backends agree to the bit:
// the tolerance is zero.
#pragma once

#include <cstdint>

namespace hadal {

struct Fp8RoundTripCase {
  const char* name;
  int64_t rows;
  int64_t cols;
  int64_t block;
  int64_t stride;
};

inline constexpr Fp8RoundTripCase kFp8RoundTripCases[] = {
    {"flash product input", 3, 4096, 128, 4096},
    {"flash cached row", 9, 448, 64, 512},
    {"nano cached row", 9, 64, 64, 128},
    {"nano expert", 7, 128, 128, 128},
    {"short last block", 5, 200, 128, 201},
    {"one channel", 2, 1, 64, 3},
};

struct HadamardFp4Case {
  const char* name;
  int64_t rows;
  int64_t dim;
};

inline constexpr HadamardFp4Case kHadamardFp4Cases[] = {
    {"flash index heads", 128, 128},
    {"nano index heads", 33, 64},
    {"smallest", 3, 32},
    {"wide", 2, 1024},
};

// Values of block b have a size of 2^exponent(b): large, small and subnormal
// ones, so that every branch of the roundings is taken.
inline constexpr int kRoundingExponents[] = {
    0, -3, 10, -20, 40, -60, 100, -126, 120, -140};

}  // namespace hadal
