// Weights and activations out of a counter, for the checks of `hadal doctor`,
// the kernel tests and the synthetic benchmarks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/weight_view.h"

namespace hadal {

// A small generator with the same numbers on every machine.
class RandomNumbers {
 public:
  explicit RandomNumbers(uint64_t seed) : state_(seed) {}

  uint64_t bits();
  // Roughly normal: mean 0, deviation 1.
  float normal();

 private:
  uint64_t state_;
};

// `count` values as `normal()`, times `size`.
std::vector<float> random_values(int64_t count, uint64_t seed, float size = 1);

// A matrix that owns its bytes. `like` gives format, scale_format, bits, group,
// rows and cols; its pointers and strides are not read. Every code occurs (no
// NaN), scales vary from group to group, and weights have a size of about 1.
// Rows are dense: no byte follows the last one.
class RandomWeight {
 public:
  RandomWeight(const WeightView& like, uint64_t seed);

  const WeightView& view() const { return view_; }

 private:
  std::vector<std::byte> data_;
  std::vector<std::byte> scales_;
  std::vector<std::byte> biases_;
  WeightView view_;
};

}  // namespace hadal
