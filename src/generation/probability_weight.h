// Probabilities as whole numbers.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

namespace hadal {

// The likeliest token weighs 2^44, any other 2^44 * exp(difference of logits),
// rounded. Sums of whole numbers do not depend on their order, so filters and
// draws are the same on every machine and for every selection algorithm. What
// is less than 2^-45 as likely as the likeliest weighs nothing. A vocabulary of
// 2^19 tokens cannot overflow 64 bits.
inline constexpr int kWeightBits = 44;
inline constexpr uint64_t kFullWeight = uint64_t{1} << kWeightBits;
inline constexpr int64_t kMaxWeighedTokens = int64_t{1} << 19;

inline constexpr double kLog2E = 1.4426950408889634;

// 2^y for y <= 0, within 4e-15 of it (0 below -1000). Made of basic operations
// only, because exp() of the C libraries differs from machine to machine.
inline double power_of_two(double y) {
  // exp(r ln 2) = sum (r ln 2)^i / i! for |r| <= 1/2.
  constexpr double kLn2 = 0.6931471805599453;
  y = std::max(y, -1001.0);
  const int whole = static_cast<int>(y - 0.5);
  const double r = (y - whole) * kLn2;
  double sum = 1.0 / 479001600;
  sum = sum * r + 1.0 / 39916800;
  sum = sum * r + 1.0 / 3628800;
  sum = sum * r + 1.0 / 362880;
  sum = sum * r + 1.0 / 40320;
  sum = sum * r + 1.0 / 5040;
  sum = sum * r + 1.0 / 720;
  sum = sum * r + 1.0 / 120;
  sum = sum * r + 1.0 / 24;
  sum = sum * r + 1.0 / 6;
  sum = sum * r + 0.5;
  sum = sum * r + 1.0;
  sum = sum * r + 1.0;
  const auto exponent = static_cast<uint64_t>(1023 + whole);
  return y < -1000 ? 0 : sum * std::bit_cast<double>(exponent << 52);
}

// The weight of a token whose logit lies `log2_ratio` (<= 0, in powers of two)
// below the highest.
inline uint64_t weight_of(double log2_ratio) {
  return static_cast<uint64_t>(
      power_of_two(log2_ratio) * static_cast<double>(kFullWeight) + 0.5);
}

}  // namespace hadal
