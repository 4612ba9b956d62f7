#include "kernels/experts/experts.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/case_targets.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/experts/experts_cases.h"
#include "kernels/experts/random_experts.h"
#include "kernels/kernel_check.h"
#include "kernels/same_bits.h"

namespace hadal {
namespace {

std::vector<float> run(
    const RandomExperts& layer,
    int64_t hidden,
    int64_t first,
    int64_t count,
    int threads) {
  ThreadTeam team(threads);
  std::vector<float> y(static_cast<size_t>(count * hidden), -1e30F);
  experts_cpu(layer.params(first, count, y.data()), team);
  return y;
}

TEST(Experts, CpuAgreesWithTheReference) {
  Backend backend{};
  backend.experts = experts_cpu;
  ThreadTeam team(2);
  std::vector<KernelCheck> checks;
  check_experts(backend, team, checks);
  EXPECT_EQ(checks.size(), std::size(kExpertsCases));
  for (const KernelCheck& check : checks)
    EXPECT_TRUE(check.ok) << check.case_name << ": error " << check.max_error
                          << ", tolerance " << check.tolerance;
}

// The formula of spec 5.2 in doubles on the widened weights.
TEST(Experts, ReferenceFollowsTheSpecification) {
  for (float limit : {0.0F, 0.5F, 10.0F}) {
    ExpertsCase the_case = {
        "spec",
        4,
        64,
        32,
        4,
        2,
        WeightFormat::mxfp4,
        ActivationFormat::f32,
        WeightFormat::bf16,
        ActivationFormat::f32};
    the_case.limit = limit;
    const RandomExperts layer(the_case);
    std::vector<float> y(4 * 64);
    ThreadTeam team(1);
    const ExpertsParams params = layer.params(0, 4, y.data());
    experts_reference(params, team);
    const auto times = [](const WeightView& weight,
                          const std::vector<double>& x) {
      std::vector<float> w(static_cast<size_t>(weight.rows * weight.cols));
      widen(weight, w.data());
      std::vector<double> out;
      for (int64_t r = 0; r < weight.rows; ++r) {
        double sum = 0;
        for (int64_t k = 0; k < weight.cols; ++k)
          sum += x[k] * w[r * weight.cols + k];
        out.push_back(sum);
      }
      return out;
    };
    for (int64_t t = 0; t < 4; ++t) {
      const std::vector<double> x(params.x + t * 64, params.x + (t + 1) * 64);
      std::vector<double> sum(64);
      std::vector<double> magnitude(64);  // of the products that cancel out
      const auto add = [&](const WeightView& gate,
                           const WeightView& up,
                           const WeightView& down,
                           double weight) {
        std::vector<double> a = times(gate, x);
        const std::vector<double> u = times(up, x);
        for (size_t i = 0; i < a.size(); ++i) {
          const double g = limit > 0 ? std::min<double>(a[i], limit) : a[i];
          const double v =
              limit > 0 ? std::clamp<double>(u[i], -limit, limit) : u[i];
          a[i] = g / (1 + std::exp(-g)) * v * weight;
        }
        const std::vector<double> out = times(down, a);
        double largest = 0;
        for (double value : a)
          largest = std::max(largest, std::abs(value));
        std::vector<float> w(static_cast<size_t>(down.rows * down.cols));
        widen(down, w.data());
        for (size_t i = 0; i < out.size(); ++i) {
          sum[i] += out[i];
          for (int64_t k = 0; k < down.cols; ++k)
            magnitude[i] +=
                largest * std::abs(w[static_cast<int64_t>(i) * down.cols + k]);
        }
      };
      for (int64_t k = 0; k < 2; ++k) {
        const int32_t e = params.indices[t * 2 + k];
        add(params.experts.gate[e],
            params.experts.up[e],
            params.experts.down[e],
            params.weights[t * 2 + k]);
      }
      add(params.shared_gate, params.shared_up, params.shared_down, 1);
      for (int64_t i = 0; i < 64; ++i)
        // Sums of up to 64 float32 products, rounded at each step.
        ASSERT_NEAR(y[t * 64 + i], sum[i], 2e-6 * magnitude[i]);
    }
  }
}

TEST(Experts, CpuIsInvariantOnEveryInstructionSet) {
  for (const ExpertsCase& the_case : kExpertsCases) {
    if (the_case.hidden > 400)
      continue;
    const RandomExperts layer(the_case);
    const int64_t hidden = the_case.hidden;
    std::vector<float> alone;
    for (int64_t t = 0; t < the_case.tokens; ++t) {
      const std::vector<float> y = run(layer, hidden, t, 1, 1);
      alone.insert(alone.end(), y.begin(), y.end());
    }
    for_each_target([&](const std::string& target) {
      // The slow path of plain C++ takes the small cases only.
      if (target == "SCALAR" && the_case.tokens > 40)
        return;
      for (int threads : {1, 2, 3})
        for (int64_t batch :
             {int64_t{1},
              int64_t{2},
              int64_t{3},
              int64_t{17},
              int64_t{128},
              the_case.tokens})
          for (int64_t first = 0; first + batch <= the_case.tokens;
               first += 1 + the_case.tokens / 3)
            expect_same_bits(
                run(layer, hidden, first, batch, threads),
                {alone.begin() + first * hidden,
                 alone.begin() + (first + batch) * hidden},
                std::string(the_case.name) + " on " + target + ", batch " +
                    std::to_string(batch) + ", threads " +
                    std::to_string(threads));
    });
  }
}

// The order of a token's list does not matter, only the ids.
TEST(Experts, ListsInAnyOrder) {
  const ExpertsCase& the_case = kExpertsCases[1];
  RandomExperts layer(the_case);
  const std::vector<float> sorted =
      run(layer, the_case.hidden, 0, the_case.tokens, 2);
  for (int64_t t = 0; t < the_case.tokens; ++t)
    for (int64_t k = 0; k < the_case.per_token / 2; ++k) {
      const int64_t i = t * the_case.per_token + k;
      const int64_t j = (t + 1) * the_case.per_token - 1 - k;
      std::swap(layer.indices()[i], layer.indices()[j]);
      std::swap(layer.weights()[i], layer.weights()[j]);
    }
  expect_same_bits(
      run(layer, the_case.hidden, 0, the_case.tokens, 2), sorted, "reversed");
}

TEST(Experts, NanStaysWithItsToken) {
  const ExpertsCase& the_case = kExpertsCases[1];
  RandomExperts layer(the_case);
  const std::vector<float> before = run(layer, the_case.hidden, 0, 20, 1);
  layer.x()[3 * the_case.hidden + 5] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> after = run(layer, the_case.hidden, 0, 20, 1);
  for (int64_t i = 0; i < 20 * the_case.hidden; ++i) {
    if (i / the_case.hidden == 3)
      ASSERT_TRUE(std::isnan(after[i]));
    else
      ASSERT_EQ(after[i], before[i]);
  }
}

TEST(Experts, NoTokens) {
  const RandomExperts layer(kExpertsCases[1]);
  EXPECT_TRUE(run(layer, 384, 0, 0, 2).empty());
}

}  // namespace
}  // namespace hadal
