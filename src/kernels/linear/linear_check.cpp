// linear of a backend against the reference, over the case table.
#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "kernels/case_tools.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/kernel_check.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/linear_cases.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

// |found - expected| / scale; infinite where only one is finite.
double difference(float found, float expected, double scale) {
  if (found == expected || (std::isnan(found) && std::isnan(expected)))
    return 0;
  if (!std::isfinite(found) || !std::isfinite(expected))
    return std::numeric_limits<double>::infinity();
  return std::abs(static_cast<double>(found) - expected) / scale;
}

double norm(const float* values, int64_t count) {
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += static_cast<double>(values[i]) * values[i];
  return std::sqrt(sum);
}

KernelCheck check_case(
    const LinearCase& the_case, const Backend& backend, ThreadTeam& team) {
  const RandomWeight weight(the_case.weight, 1);
  const WeightView& view = weight.view();
  const std::vector<float> x = random_values(the_case.tokens * view.cols, 2);
  const size_t outputs = static_cast<size_t>(the_case.tokens * view.rows);
  std::vector<float> expected(outputs);
  std::vector<float> y(outputs);
  LinearParams params = {
      .x = x.data(),
      .x_stride = view.cols,
      .y = expected.data(),
      .y_stride = view.rows,
      .tokens = the_case.tokens,
      .weight = view,
      .activation = the_case.activation};
  KernelCheck check = {
      .kernel = "linear",
      .case_name = the_case.name,
      .tolerance = linear_tolerance(view.cols)};
  check.seconds_reference = seconds_of([&] { linear_reference(params, team); });
  params.y = y.data();
  backend.linear(params, team);
  check.seconds = seconds_of([&] { backend.linear(params, team); });

  std::vector<double> x_norm;
  for (int64_t t = 0; t < the_case.tokens; ++t)
    x_norm.push_back(norm(x.data() + t * view.cols, view.cols));
  std::vector<float> row(static_cast<size_t>(view.cols));
  for (int64_t r = 0; r < view.rows; ++r) {
    dequantize_row(view, r, row.data());
    const double w_norm = norm(row.data(), view.cols);
    for (int64_t t = 0; t < the_case.tokens; ++t) {
      const size_t at = static_cast<size_t>(t * view.rows + r);
      check.max_error = std::max(
          check.max_error,
          difference(
              y[at],
              expected[at],
              x_norm[static_cast<size_t>(t)] * w_norm + 1e-30));
    }
  }
  check.ok = check.max_error <= check.tolerance;
  check.digest = output_digest(std::move(y));
  return check;
}

}  // namespace

void check_linear(
    const Backend& backend,
    ThreadTeam& team,
    std::vector<KernelCheck>& checks) {
  for (const LinearCase& the_case : linear_cases())
    checks.push_back(check_case(the_case, backend, team));
}

}  // namespace hadal
