// experts of a backend against the reference, over the case table.
#include <algorithm>
#include <cmath>

#include "kernels/case_tools.h"
#include "kernels/experts/experts.h"
#include "kernels/experts/experts_cases.h"
#include "kernels/experts/random_experts.h"

namespace hadal {
namespace {

double tolerance(const ExpertsCase& the_case) {
  if (the_case.gemm_fp8)
    return kExpertsFp8Tolerance;
  return the_case.routed_activation == ActivationFormat::f32 &&
                 the_case.shared_activation == ActivationFormat::f32
             ? kExpertsTolerance
             : kExpertsRoundedTolerance;
}

}  // namespace

void check_experts(
    const Backend& backend,
    ThreadTeam& team,
    std::vector<KernelCheck>& checks) {
  for (const ExpertsCase& the_case : kExpertsCases) {
    const RandomExperts layer(the_case);
    const auto run = [&](auto* experts) {
      std::vector<float> y(
          static_cast<size_t>(the_case.tokens * the_case.hidden), -1e30F);
      experts(layer.params(0, the_case.tokens, y.data()), team);
      return y;
    };
    const std::vector<float> expected = run(experts_reference);
    double largest = 0;
    for (float value : expected)
      largest = std::max(largest, std::abs(static_cast<double>(value)));
    checks.push_back(check_case(
        "experts",
        the_case.name,
        largest,
        tolerance(the_case),
        [&] { return run(experts_reference); },
        [&] { return run(backend.experts); }));
  }
}

}  // namespace hadal
