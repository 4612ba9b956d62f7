// The inputs of the rotary cases, and a backend's rotation against the
// reference on them.
#include "kernels/case_tools.h"
#include "kernels/random_weight.h"
#include "kernels/rotary/rotary.h"
#include "kernels/rotary/rotary_cases.h"

namespace hadal {
namespace {

std::vector<float> rotated(
    const RotaryInputs& inputs,
    void (*rotary)(const RotaryParams&, ThreadTeam&),
    ThreadTeam& team) {
  std::vector<float> x = inputs.values();
  rotary(inputs.part(0, inputs.shape().tokens, x.data()), team);
  return x;
}

}  // namespace

RotaryInputs::RotaryInputs(const RotaryCase& shape)
    : shape_(shape), stride_(shape.heads * shape.dim + 3) {
  values_ = random_values(shape.tokens * stride_, 1);
  frequencies_ = rotary_frequencies(10000, shape.rotary_dim);
  for (int64_t t = 0; t < shape.tokens; ++t)
    positions_.push_back(shape.first_position + t);
}

RotaryParams RotaryInputs::part(int64_t first, int64_t count, float* x) const {
  RotaryParams params;
  params.x = x + first * stride_;
  params.x_stride = stride_;
  params.tokens = count;
  params.heads = shape_.heads;
  params.dim = shape_.dim;
  params.rotary_dim = shape_.rotary_dim;
  params.positions = positions_.data() + first;
  params.frequencies = frequencies_.data();
  params.inverse = shape_.inverse;
  return params;
}

void check_rotary(
    const Backend& backend, ThreadTeam& team, std::vector<KernelCheck>& out) {
  for (const RotaryCase& shape : kRotaryCases) {
    const RotaryInputs inputs(shape);
    out.push_back(check_case(
        "rotary",
        shape.name,
        kRotaryFloor,
        kRotaryTolerance,
        [&] { return rotated(inputs, rotary_reference, team); },
        [&] { return rotated(inputs, backend.rotary, team); }));
  }
}

}  // namespace hadal
