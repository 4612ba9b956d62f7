// The activation roundings of a backend against the reference, over the case
// tables.
#include <cmath>
#include <iterator>

#include "kernels/activation_rounding/activation_rounding.h"
#include "kernels/activation_rounding/activation_rounding_cases.h"
#include "kernels/case_tools.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

std::vector<float> values_of_all_sizes(
    int64_t count, int64_t run, uint64_t seed) {
  std::vector<float> values = random_values(count, seed);
  for (int64_t i = 0; i < count; ++i)
    values[static_cast<size_t>(i)] = std::ldexp(
        values[static_cast<size_t>(i)],
        kRoundingExponents
            [static_cast<size_t>(i / run) % std::size(kRoundingExponents)]);
  return values;
}

}  // namespace

void check_activation_rounding(
    const Backend& backend,
    ThreadTeam& team,
    std::vector<KernelCheck>& checks) {
  // Any difference at all is beyond a tolerance of zero.
  constexpr double kFloor = 1e-45;
  for (const Fp8RoundTripCase& the_case : kFp8RoundTripCases) {
    const std::vector<float> values =
        values_of_all_sizes(the_case.rows * the_case.stride, the_case.block, 1);
    const auto run = [&](auto* round_trip) {
      std::vector<float> x = values;
      round_trip(
          Fp8RoundTripParams{
              .x = x.data(),
              .stride = the_case.stride,
              .rows = the_case.rows,
              .cols = the_case.cols,
              .block = the_case.block},
          team);
      return x;
    };
    checks.push_back(check_case(
        "fp8_round_trip",
        the_case.name,
        kFloor,
        0,
        [&] { return run(fp8_round_trip_reference); },
        [&] { return run(backend.fp8_round_trip); }));
  }
  for (const HadamardFp4Case& the_case : kHadamardFp4Cases) {
    const std::vector<float> values =
        values_of_all_sizes(the_case.rows * the_case.dim, the_case.dim, 2);
    const auto run = [&](auto* hadamard) {
      std::vector<float> x = values;
      hadamard(
          HadamardFp4Params{
              .x = x.data(),
              .stride = the_case.dim,
              .rows = the_case.rows,
              .dim = the_case.dim},
          team);
      return x;
    };
    checks.push_back(check_case(
        "hadamard_fp4",
        the_case.name,
        kFloor,
        0,
        [&] { return run(hadamard_fp4_reference); },
        [&] { return run(backend.hadamard_fp4); }));
  }
}

}  // namespace hadal
