// Cases of several products at once: those of attention, which share an input,
// and those of wo_a, which have one each.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/linear/linear_params.h"
#include "kernels/random_weight.h"

namespace hadal {

// A weight of a case, and which of the inputs it takes.
struct LinearManyPart {
  WeightFormat format;
  ScaleFormat scales;
  int64_t rows;
  ActivationFormat activation;
  int64_t input;  // 0 or 1, as wide as the case says
};

struct LinearManyCase {
  const char* name;
  int64_t tokens;
  int64_t cols;
  std::vector<LinearManyPart> parts;
};

// As linear: sums of `cols` products of size 1 in another order than the
// reference's differ by less than 1e-5 of their size, the square root of cols.
inline constexpr double kLinearManyTolerance = 1e-5;

std::vector<LinearManyCase> linear_many_cases();

// The weights and inputs of a case, and room for the outputs.
class LinearManyInputs {
 public:
  explicit LinearManyInputs(const LinearManyCase& the_case);

  // The products, with their outputs in `y`.
  std::vector<LinearParams> products(std::vector<float>& y) const;
  // Of all outputs together.
  int64_t outputs() const { return outputs_; }

 private:
  LinearManyCase case_;
  std::vector<float> x_;  // [2, tokens, cols]
  std::vector<RandomWeight> weights_;
  int64_t outputs_ = 0;
};

}  // namespace hadal
