// Helpers of the <op>_check.cpp files.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>

namespace hadal {

// Runs `work` and returns its seconds.
template <class Work>
double timed(const Work& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  const std::chrono::duration<double> time =
      std::chrono::steady_clock::now() - begin;
  return time.count();
}

// |value - expected| / scale; infinite where only one of the two is finite or
// they are different infinities, zero where both are NaN.
inline double difference(float value, float expected, double scale) {
  if (std::isnan(value) && std::isnan(expected))
    return 0;
  if (value == expected)
    return 0;
  if (!std::isfinite(value) || !std::isfinite(expected))
    return std::numeric_limits<double>::infinity();
  return std::abs(static_cast<double>(value) - expected) / scale;
}

}  // namespace hadal
