// The frequency tables of spec 3.3, with and without the YaRN blend.
#include <algorithm>
#include <cmath>
#include <numbers>

#include "kernels/rotary/rotary.h"

namespace hadal {
namespace {

// The (fractional) pair that turns `rotations` times within the original
// context. Pairs that turn more often than beta_fast times keep their
// frequency, those that turn less than beta_slow times are slowed down by the
// factor.
double pair_of_rotations(
    double theta,
    int64_t rotary_dim,
    int64_t original_positions,
    double rotations) {
  return static_cast<double>(rotary_dim) *
         std::log(
             static_cast<double>(original_positions) /
             (2 * std::numbers::pi * rotations)) /
         (2 * std::log(theta));
}

}  // namespace

std::vector<float> rotary_frequencies(
    double theta, int64_t rotary_dim, const YarnScaling& yarn) {
  const int64_t pairs = rotary_dim / 2;
  const double dim = static_cast<double>(rotary_dim);
  double low = 0;
  double high = 1;
  if (yarn.factor > 1) {
    low = std::floor(pair_of_rotations(
        theta, rotary_dim, yarn.original_positions, yarn.beta_fast));
    high = std::ceil(pair_of_rotations(
        theta, rotary_dim, yarn.original_positions, yarn.beta_slow));
    low = std::max(low, 0.0);
    high = std::min(high, dim - 1);
    if (low == high)
      high += 0.001;
  }

  // Every step is rounded to float32 where the official code rounds it: the
  // last bit of a frequency moves the angle by a lot at position 10^6.
  std::vector<float> frequencies(pairs);
  for (int64_t i = 0; i < pairs; ++i) {
    const float exponent = static_cast<float>(2 * i) / static_cast<float>(dim);
    const float plain =
        1.0f / static_cast<float>(std::pow(theta, double{exponent}));
    frequencies[i] = plain;
    if (yarn.factor > 1) {
      const float ramp = std::clamp(
          (static_cast<float>(i) - static_cast<float>(low)) /
              static_cast<float>(high - low),
          0.0f,
          1.0f);
      frequencies[i] = plain / static_cast<float>(yarn.factor) * ramp +
                       plain * (1.0f - ramp);
    }
  }
  return frequencies;
}

}  // namespace hadal
