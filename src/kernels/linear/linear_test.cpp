// linear_cpu: within rounding of the reference, and to the bit what linear.h
// says, on every instruction set and however the work is split.
#include "kernels/linear/linear.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "hadal/error.h"
#include "kernels/case_targets.h"
#include "kernels/kernel_check.h"
#include "kernels/linear/linear_cases.h"
#include "kernels/linear/linear_contract.h"
#include "kernels/random_weight.h"
#include "kernels/same_bits.h"

namespace hadal {
namespace {

TEST(Linear, CpuAgreesWithTheReference) {
  Backend backend{};
  backend.linear = linear_cpu;
  ThreadTeam team(2);
  for_each_target([&](const std::string& target) {
    std::vector<KernelCheck> checks;
    check_linear(backend, team, checks);
    EXPECT_EQ(checks.size(), linear_cases().size());
    for (const KernelCheck& check : checks)
      EXPECT_TRUE(check.ok)
          << target << ", " << check.case_name << ": error " << check.max_error
          << ", tolerance " << check.tolerance;
  });
}

TEST(Linear, CpuKeepsTheContractToTheBitOnEveryInstructionSet) {
  for (const LinearCase& the_case : linear_cases()) {
    if (the_case.weight.rows * the_case.weight.cols > 1 << 19)
      continue;
    const RandomWeight weight(the_case.weight, 3);
    const std::vector<float> x =
        random_values(the_case.tokens * the_case.weight.cols, 4);
    const std::vector<float> expected =
        contract(weight.view(), the_case.activation, x, the_case.tokens);
    for_each_target([&](const std::string& target) {
      expect_same_bits(
          run(linear_cpu,
              weight.view(),
              the_case.activation,
              x.data(),
              the_case.tokens,
              1),
          expected,
          the_case.name + " on " + target);
    });
  }
}

// A token's result is the same alone and anywhere in a batch of any size, with
// any number of threads.
TEST(Linear, CpuIsInvariant) {
  const LinearCase cases[] = {
      {"fp8",
       scaled_weight(WeightFormat::fp8_block, 150, 384),
       ActivationFormat::bf16},
      {"bf16 few rows",
       float_weight(WeightFormat::bf16, 20, 384),
       ActivationFormat::f32},
      {"f32 ragged",
       float_weight(WeightFormat::f32, 70, 100),
       ActivationFormat::f32},
      {"mxfp4",
       scaled_weight(WeightFormat::mxfp4, 150, 352),
       ActivationFormat::int8},
      {"mxfp4 int16",
       scaled_weight(WeightFormat::mxfp4, 150, 352),
       ActivationFormat::int16},
      {"affine 3", affine_weight(3, 64, 150, 192), ActivationFormat::int8},
      {"affine 8", affine_weight(8, 64, 150, 192), ActivationFormat::int8},
      {"affine 8 exact", affine_weight(8, 64, 150, 192), ActivationFormat::f32},
  };
  constexpr int64_t kTokens = 128;
  for (const LinearCase& the_case : cases) {
    const RandomWeight weight(the_case.weight, 5);
    const WeightView& view = weight.view();
    const std::vector<float> x = random_values(kTokens * view.cols, 6);
    const auto rows = [&](int64_t first, int64_t tokens, int threads) {
      return run(
          linear_cpu,
          view,
          the_case.activation,
          x.data() + first * view.cols,
          tokens,
          threads);
    };
    std::vector<float> alone;
    for (int64_t t = 0; t < kTokens; ++t) {
      const std::vector<float> y = rows(t, 1, 1);
      alone.insert(alone.end(), y.begin(), y.end());
    }
    for (int threads : {1, 2, 3})
      for (int64_t batch : {1, 2, 3, 5, 17, 128})
        for (int64_t first = 0; first + batch <= kTokens; first += 41) {
          const std::vector<float> expected(
              alone.begin() + first * view.rows,
              alone.begin() + (first + batch) * view.rows);
          expect_same_bits(
              rows(first, batch, threads),
              expected,
              the_case.name + ", batch " + std::to_string(batch) +
                  ", threads " + std::to_string(threads));
        }
  }
}

TEST(Linear, SlicesOfRowsGiveTheSameBits) {
  const RandomWeight weight(
      scaled_weight(WeightFormat::fp8_block, 384, 256), 7);
  const std::vector<float> x = random_values(256, 8);
  const std::vector<float> whole =
      run(linear_cpu, weight.view(), ActivationFormat::bf16, x.data(), 1, 1);
  const std::vector<float> part =
      run(linear_cpu,
          row_slice(weight.view(), 128, 200),
          ActivationFormat::bf16,
          x.data(),
          1,
          1);
  expect_same_bits(
      part, {whole.begin() + 128, whole.begin() + 328}, "row slice");
}

TEST(Linear, StridesOfInputAndOutput) {
  for (const ActivationFormat activation :
       {ActivationFormat::f32,
        ActivationFormat::bf16,
        ActivationFormat::int8,
        ActivationFormat::int16}) {
    const WeightFormat format = activation == ActivationFormat::bf16
                                    ? WeightFormat::mxfp8
                                    : WeightFormat::mxfp4;
    const RandomWeight weight(scaled_weight(format, 40, 64), 9);
    const std::vector<float> x = random_values(7 * 64, 10);
    std::vector<float> spread(7 * 70, 1e30F);
    for (int64_t t = 0; t < 7; ++t)
      std::copy_n(x.data() + t * 64, 64, spread.data() + t * 70);
    std::vector<float> y(7 * 50, -1.0F);
    ThreadTeam team(2);
    linear_cpu(
        {.x = spread.data(),
         .x_stride = 70,
         .y = y.data(),
         .y_stride = 50,
         .tokens = 7,
         .weight = weight.view(),
         .activation = activation},
        team);
    const std::vector<float> dense =
        run(linear_cpu, weight.view(), activation, x.data(), 7, 1);
    for (int64_t t = 0; t < 7; ++t)
      for (int64_t r = 0; r < 50; ++r)
        ASSERT_EQ(y[t * 50 + r], r < 40 ? dense[t * 40 + r] : -1.0F);
  }
}

void expect_extremes_as_the_reference(ActivationFormat activation) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const RandomWeight weight(scaled_weight(WeightFormat::mxfp4, 20, 96), 11);
  for (float bad : {kNan, kInf, -kInf, 1e-44F, 0.0F, 1e35F}) {
    std::vector<float> x = random_values(96, 12);
    for (int64_t k = 32; k < 64; ++k)
      x[k] = bad == 1e35F ? 1 : 0;
    x[40] = bad;
    const std::vector<float> expected =
        run(linear_reference, weight.view(), activation, x.data(), 1, 1);
    for_each_target([&](const std::string& target) {
      for (int64_t tokens : {1, 5}) {
        std::vector<float> batch;
        for (int64_t t = 0; t < tokens; ++t)
          batch.insert(batch.end(), x.begin(), x.end());
        const std::vector<float> y =
            run(linear_cpu, weight.view(), activation, batch.data(), tokens, 1);
        for (int64_t r = 0; r < 20; ++r) {
          ASSERT_EQ(std::isnan(y[r]), std::isnan(expected[r])) << target;
          ASSERT_EQ(std::isnan(y[r]), !std::isfinite(bad));
          if (!std::isnan(y[r])) {
            ASSERT_NEAR(y[r], expected[r], std::abs(expected[r]) * 1e-4 + 1e-4);
          }
        }
      }
    });
  }
}

TEST(Linear, ExtremeActivations) {
  expect_extremes_as_the_reference(ActivationFormat::int8);
  expect_extremes_as_the_reference(ActivationFormat::int16);
}

// The largest sums: every code at its limit, every weight at plus or minus 6.
TEST(Linear, LargestCodesStayExact) {
  for (const int pair : {0x77, 0xFF, 0x7F}) {
    const std::vector<std::byte> data(16 * 64, std::byte(pair));
    const std::vector<std::byte> scales(16 * 4, std::byte{127});
    const WeightView view = {
        .format = WeightFormat::mxfp4,
        .scale_format = ScaleFormat::e8m0,
        .rows = 16,
        .cols = 128,
        .row_bytes = 64,
        .scale_stride = 4,
        .data = data.data(),
        .scales = scales.data()};
    for (const float sign : {-1.0F, 1.0F})
      for (const ActivationFormat activation :
           {ActivationFormat::int8, ActivationFormat::int16}) {
        const std::vector<float> x(128, sign * 32639.0F);
        const std::vector<float> expected = contract(view, activation, x, 1);
        for_each_target([&](const std::string& target) {
          expect_same_bits(
              run(linear_cpu, view, activation, x.data(), 1, 1),
              expected,
              target);
        });
      }
  }
}

TEST(Linear, IntegerCodesRefuseWeightsThatDoNotFit) {
  using enum WeightFormat;
  const std::vector<float> x(64);
  const auto refuses = [&](const WeightView& like, ActivationFormat codes) {
    const RandomWeight weight(like, 1);
    for (auto* linear : {linear_reference, linear_cpu})
      EXPECT_THROW(run(linear, weight.view(), codes, x.data(), 1, 1), Error);
  };
  for (WeightFormat format : {f32, bf16, f16, fp8_block, mxfp8})
    for (ActivationFormat codes :
         {ActivationFormat::int8, ActivationFormat::int16})
      refuses(scaled_weight(format, 16, 64), codes);
  refuses(affine_weight(4, 64, 16, 64), ActivationFormat::int16);
}

TEST(Linear, NoTokensIsNothingToDo) {
  const RandomWeight weight(scaled_weight(WeightFormat::mxfp4, 16, 64), 1);
  for (auto* linear : {linear_reference, linear_cpu})
    EXPECT_TRUE(
        run(linear, weight.view(), ActivationFormat::int8, nullptr, 0, 2)
            .empty());
}

}  // namespace
}  // namespace hadal
