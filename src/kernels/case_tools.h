// What the checks and tests of the kernels share: the comparison of two
// results. Random inputs come from random_weight.h.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "kernels/kernel_check.h"

namespace hadal {

struct Comparison {
  double max_error = 0;
  int64_t worst = -1;  // index of the largest error
};

// The error of an element is |found - expected| / max(|expected|, floor): an
// absolute bound below `floor`, a relative one above. Infinite where only one
// of the two is NaN or infinite, or the infinities differ.
inline Comparison compare_outputs(
    std::span<const float> expected,
    std::span<const float> found,
    double floor) {
  Comparison result;
  if (expected.size() != found.size())
    return {std::numeric_limits<double>::infinity(), 0};
  for (size_t i = 0; i < expected.size(); ++i) {
    const double a = expected[i];
    const double b = found[i];
    double error = 0;
    if (std::isfinite(a) && std::isfinite(b))
      error = std::abs(b - a) / std::max(std::abs(a), floor);
    else if (std::isnan(a) != std::isnan(b) || (!std::isnan(a) && a != b))
      error = std::numeric_limits<double>::infinity();
    if (result.worst < 0 || error > result.max_error) {
      result.max_error = error;
      result.worst = static_cast<int64_t>(i);
    }
  }
  return result;
}

// The same for the same bits. Which bits a new NaN gets is the processor's
// choice, so all count as one.
inline uint64_t output_digest(std::vector<float> outputs) {
  for (float& value : outputs)
    if (std::isnan(value))
      value = std::numeric_limits<float>::quiet_NaN();
  return hash64(std::as_bytes(std::span(outputs)));
}

// Seconds that `body` takes.
template <class Body>
double seconds_of(const Body& body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

// Runs both implementations of a case, each returning its outputs as floats,
// and compares them.
template <class Reference, class Found>
KernelCheck check_case(
    std::string kernel,
    std::string case_name,
    double floor,
    double tolerance,
    const Reference& reference,
    const Found& found) {
  KernelCheck check;
  check.kernel = std::move(kernel);
  check.case_name = std::move(case_name);
  check.tolerance = tolerance;
  std::vector<float> expected;
  std::vector<float> actual;
  check.seconds_reference = seconds_of([&] { expected = reference(); });
  check.seconds = seconds_of([&] { actual = found(); });
  const Comparison comparison = compare_outputs(expected, actual, floor);
  check.max_error = comparison.max_error;
  check.ok = comparison.max_error <= tolerance;
  check.digest = output_digest(std::move(actual));
  return check;
}

}  // namespace hadal
