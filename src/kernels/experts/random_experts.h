// A random layer of experts with its tokens, for the check and the test.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/experts/experts_cases.h"
#include "kernels/experts/experts_params.h"
#include "kernels/random_weight.h"

namespace hadal {

class RandomExperts {
 public:
  explicit RandomExperts(const ExpertsCase& the_case);

  // Tokens [first, first + count); y [count, hidden] is the caller's.
  ExpertsParams params(int64_t first, int64_t count, float* y) const;

  std::vector<float>& x() { return x_; }
  std::vector<int32_t>& indices() { return indices_; }
  std::vector<float>& weights() { return weights_; }

 private:
  ExpertsCase case_;
  std::vector<RandomWeight> owned_;
  std::vector<WeightView> gate_;
  std::vector<WeightView> up_;
  std::vector<WeightView> down_;
  std::vector<float> x_;
  std::vector<int32_t> indices_;
  std::vector<float> weights_;
};

}  // namespace hadal
