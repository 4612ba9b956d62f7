// The encoder against MLX's own results is tests/mlx_affine_test.cpp; here are
// its own laws.
#include "kernels/codecs/affine_encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <utility>
#include <vector>

#include "kernels/case_targets.h"
#include "kernels/codecs/affine_encode_testing.h"

namespace hadal {
namespace {

using namespace testing;

TEST(AffineEncode, SearchIsNeverWorseThanPlain) {
  const std::vector<float> ones(kCols, 1);
  for (const AffineFormat& format : all_formats())
    for (uint32_t seed = 1; seed < 5; ++seed) {
      const std::vector<float> row = normal_row(seed);
      const double plain = squared_error(
          row, decode(encode(format, AffineRule::plain, row)), ones);
      const double search = squared_error(
          row, decode(encode(format, AffineRule::search, row)), ones);
      EXPECT_LE(search, plain * 1.000001) << format.bits << " bits";
    }
}

// A fixed quantiser of equal steps around zero is one of the choices that every
// group has, so the search must do no worse than the best of them for normal
// values: J. Max, "Quantizing for minimum distortion" (1960), table II, and for
// 64 levels its continuation. A range that is divided evenly cannot reach that:
// the expected range of 64 normal values is 4.7, so at 2 bits its steps are 1.6
// wide where the best are 1.0.
TEST(AffineEncode, NormalValuesCostNoMoreThanTheBestFixedQuantiser) {
  constexpr int64_t kWide = 1 << 15;
  const std::vector<float> row = normal_row(40, kWide);
  const std::vector<float> ones(kWide, 1);
  const auto noise = [&](const AffineFormat& format, AffineRule rule) {
    return squared_error(row, decode(encode(format, rule, row)), ones) / kWide;
  };
  const std::vector<std::pair<int, double>> best_fixed{
      {2, 0.1188}, {3, 0.03744}, {4, 0.01154}, {5, 0.003495}, {6, 0.00104}};
  for (const auto& [bits, limit] : best_fixed)
    for (const int group : {32, 64, 128}) {
      const AffineFormat format{bits, group, ScaleFormat::bf16};
      EXPECT_LT(noise(format, AffineRule::search), limit)
          << bits << " bits in groups of " << group;
    }
  for (const int group : {32, 64, 128}) {
    const AffineFormat format{2, group, ScaleFormat::bf16};
    EXPECT_GT(noise(format, AffineRule::plain), 0.1188);
    EXPECT_LT(
        noise(format, AffineRule::search),
        0.7 * noise(format, AffineRule::plain));
  }
}

// The least error over a fine grid of scales and biases, codes chosen freely.
double exhaustive_error(
    const std::vector<float>& group,
    const std::vector<float>& weights,
    float top) {
  double best = 1e30;
  for (int s = 1; s <= 120; ++s)
    for (int b = -150; b <= 0; ++b) {
      const double scale = 0.03 * s;
      const double bias = 0.03 * b;
      double sum = 0;
      for (size_t i = 0; i < group.size(); ++i) {
        const float value = group[i];
        const double code = std::clamp(
            std::rint((static_cast<double>(value) - bias) / scale),
            0.0,
            static_cast<double>(top));
        const double off = static_cast<double>(value) - (scale * code + bias);
        sum += static_cast<double>(weights[i]) * off * off;
      }
      best = std::min(best, sum);
    }
  return best;
}

// Found over the least error, summed over groups of 32.
double excess(int bits, const std::vector<float>& weights) {
  double found = 0;
  double best = 0;
  for (uint32_t seed = 10; seed < 26; ++seed) {
    const std::vector<float> row = normal_row(seed, 32);
    const AffineFormat format{bits, 32, ScaleFormat::f32};
    found += squared_error(
        row,
        decode(encode(
            format, AffineRule::search, row, {.weights = weights.data()})),
        weights);
    best += exhaustive_error(row, weights, static_cast<float>((1 << bits) - 1));
  }
  return found / best;
}

TEST(AffineEncode, SearchComesCloseToAnExhaustiveOne) {
  const std::vector<float> ones(32, 1);
  EXPECT_LT(excess(2, ones), 1.03);
  EXPECT_LT(excess(3, ones), 1.03);
}

// Eight columns in 64 that count a hundred times as much.
std::vector<float> uneven_weights(int64_t cols) {
  std::vector<float> weights(static_cast<size_t>(cols), 1);
  for (size_t i = 0; i < weights.size(); i += 8)
    weights[i] = 100;
  return weights;
}

TEST(AffineEncode, WeightsMoveTheErrorToWhereItCountsLess) {
  // Where four values of 32 decide, the error has many small valleys: descent
  // from some twenty ranges finds all but a few percent.
  EXPECT_LT(excess(2, uneven_weights(32)), 1.05);
  EXPECT_LT(excess(3, uneven_weights(32)), 1.05);
  constexpr int64_t kWide = 1 << 13;
  const std::vector<float> row = normal_row(3, kWide);
  const std::vector<float> weights = uneven_weights(kWide);
  const AffineFormat format{3, 64, ScaleFormat::bf16};
  const double blind = squared_error(
      row, decode(encode(format, AffineRule::search, row)), weights);
  const double weighted = squared_error(
      row,
      decode(
          encode(format, AffineRule::search, row, {.weights = weights.data()})),
      weights);
  EXPECT_LT(weighted, 0.5 * blind);
}

TEST(AffineEncode, WeightsOfZeroCountAsNone) {
  const std::vector<float> row = normal_row(4);
  const std::vector<float> zeros(kCols, 0);
  const AffineFormat format{4, 64, ScaleFormat::bf16};
  EXPECT_EQ(
      encode(format, AffineRule::search, row, {.weights = zeros.data()}),
      encode(format, AffineRule::search, row));
}

TEST(AffineEncode, WhatFitsIsExact) {
  // Levels -3.5 to 4 in steps of a half: 16 of them.
  std::vector<float> row;
  for (int64_t i = 0; i < kCols; ++i)
    row.push_back(0.5F * static_cast<float>((i * 7) % 16) - 3.5F);
  const AffineFormat format{4, 64, ScaleFormat::bf16};
  EXPECT_EQ(decode(encode(format, AffineRule::search, row)), row);
}

TEST(AffineEncode, EveryInstructionSetGivesTheSameBits) {
  const std::vector<float> row = normal_row(5);
  std::vector<float> weights(kCols);
  for (size_t i = 0; i < weights.size(); ++i)
    weights[i] = 0.1F + static_cast<float>(i % 13);
  for (const AffineFormat& format : all_formats()) {
    const Encoded plain = encode(format, AffineRule::plain, row);
    const Encoded search =
        encode(format, AffineRule::search, row, {.weights = weights.data()});
    // Blocks that groups straddle, and the last one cut.
    const Together inputs(kCols, 96, 0.8);
    const Encoded fed = encode(format, AffineRule::search, row, inputs.metric);
    for_each_target([&](const char* target) {
      EXPECT_EQ(encode(format, AffineRule::plain, row), plain) << target;
      EXPECT_EQ(
          encode(format, AffineRule::search, row, {.weights = weights.data()}),
          search)
          << target << ", " << format.bits << " bits";
      EXPECT_EQ(encode(format, AffineRule::search, row, inputs.metric), fed)
          << target << ", " << format.bits << " bits";
    });
  }
}

TEST(AffineEncode, WideRowsAreNoSpecialCase) {
  const std::vector<float> wide = normal_row(6, 4096 + 256);
  const std::vector<float> tail(wide.begin() + 4096, wide.end());
  const AffineFormat format{5, 128, ScaleFormat::bf16};
  const Together inputs(4096 + 256, 128, 0.7);
  const Encoded all = encode(format, AffineRule::search, wide, inputs.metric);
  ErrorMetric rest = inputs.metric;
  rest.weights += 4096;
  rest.factors += 4096 * 128;
  rest.products += 4096 * 128;
  const Encoded end = encode(format, AffineRule::search, tail, rest);
  EXPECT_TRUE(std::equal(
      end.codes.begin(), end.codes.end(), all.codes.begin() + 4096 * 5 / 8));
  EXPECT_TRUE(std::equal(
      end.biases.begin(), end.biases.end(), all.biases.begin() + 64));
}

}  // namespace
}  // namespace hadal
