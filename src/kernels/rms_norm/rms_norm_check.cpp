// rms_norm of a backend against the reference, over the case table.
#include "kernels/case_tools.h"
#include "kernels/random_weight.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rms_norm/rms_norm_cases.h"

namespace hadal {

void check_rms_norm(
    const Backend& backend,
    ThreadTeam& team,
    std::vector<KernelCheck>& checks) {
  for (const RmsNormCase& the_case : kRmsNormCases) {
    const int64_t count = the_case.rows * the_case.dim;
    const std::vector<float> x = random_values(count, 1, the_case.size);
    const std::vector<float> weight = random_values(the_case.dim, 2);
    const auto run = [&](auto* norm) {
      std::vector<float> y(x.size());
      norm(
          RmsNormParams{
              .x = x.data(),
              .x_stride = the_case.dim,
              .y = y.data(),
              .y_stride = the_case.dim,
              .rows = the_case.rows,
              .dim = the_case.dim,
              .weight = the_case.weighted ? weight.data() : nullptr,
              .eps = 1e-6F},
          team);
      return y;
    };
    checks.push_back(check_case(
        "rms_norm",
        the_case.name,
        1e-6,
        kRmsNormTolerance,
        [&] { return run(rms_norm_reference); },
        [&] { return run(backend.rms_norm); }));
  }
}

}  // namespace hadal
