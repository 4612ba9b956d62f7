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

// A value in doubles, and how far float32 may be from it.
struct Bounded {
  double value = 0;
  double error = 0;
};

constexpr double kRounding = 0x1p-24;  // of one float32 operation, relative

// weight x. A sum of n float32 products in any order is off by at most n + 1
// roundings of the sum of their magnitudes; what x is off by comes through.
std::vector<Bounded> times(
    const WeightView& weight, const std::vector<Bounded>& x) {
  std::vector<float> w(static_cast<size_t>(weight.rows * weight.cols));
  widen(weight, w.data());
  const double roundings = static_cast<double>(weight.cols + 1) * kRounding;
  std::vector<Bounded> out(static_cast<size_t>(weight.rows));
  for (int64_t r = 0; r < weight.rows; ++r)
    for (int64_t k = 0; k < weight.cols; ++k) {
      const double wk = w[r * weight.cols + k];
      out[r].value += x[k].value * wk;
      out[r].error +=
          (std::abs(x[k].value) * roundings + x[k].error) * std::abs(wk);
    }
  return out;
}

// silu's slope is at most 1.1, clamping has none above 1; e^x, the quotient and
// three products round a few times more.
Bounded activation(Bounded g, Bounded u, double limit, double weight) {
  if (limit > 0) {
    g.value = std::min(g.value, limit);
    u.value = std::clamp(u.value, -limit, limit);
  }
  const double silu = g.value / (1 + std::exp(-g.value));
  const double value = silu * u.value * weight;
  return {
      value,
      std::abs(weight) * (1.1 * g.error * (std::abs(u.value) + u.error) +
                          std::abs(silu) * u.error) +
          8 * kRounding * std::abs(value)};
}

// The formula of spec 5.2 in doubles on the widened weights.
TEST(Experts, ReferenceFollowsTheSpecification) {
  constexpr int64_t kHidden = 64;
  for (float limit : {0.0F, 0.5F, 10.0F}) {
    ExpertsCase the_case = {
        "spec",
        4,
        kHidden,
        32,
        4,
        2,
        WeightFormat::mxfp4,
        ActivationFormat::f32,
        WeightFormat::bf16,
        ActivationFormat::f32};
    the_case.limit = limit;
    const RandomExperts layer(the_case);
    std::vector<float> y(4 * kHidden);
    ThreadTeam team(1);
    const ExpertsParams params = layer.params(0, 4, y.data());
    experts_reference(params, team);
    for (int64_t t = 0; t < 4; ++t) {
      std::vector<Bounded> x;
      for (int64_t k = 0; k < kHidden; ++k)
        x.push_back({params.x[t * kHidden + k], 0});
      std::vector<Bounded> sum(kHidden);
      const auto add = [&](const WeightView& gate,
                           const WeightView& up,
                           const WeightView& down,
                           double weight) {
        std::vector<Bounded> a = times(gate, x);
        const std::vector<Bounded> u = times(up, x);
        for (size_t i = 0; i < a.size(); ++i)
          a[i] = activation(a[i], u[i], limit, weight);
        const std::vector<Bounded> out = times(down, a);
        for (size_t i = 0; i < out.size(); ++i) {
          sum[i].value += out[i].value;
          sum[i].error += out[i].error + kRounding * std::abs(sum[i].value);
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
      for (int64_t i = 0; i < kHidden; ++i)
        ASSERT_NEAR(y[t * kHidden + i], sum[i].value, sum[i].error);
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
