// The encoder against MLX's own results is tests/mlx_affine_test.cpp; here are
// its own laws.
#include "kernels/codecs/affine_encode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "kernels/case_targets.h"
#include "kernels/codecs/dequantize.h"

namespace hadal {
namespace {

constexpr int64_t kCols = 256;

struct Encoded {
  AffineFormat format;
  int64_t cols = 0;
  std::vector<std::byte> codes;
  std::vector<std::byte> scales;
  std::vector<std::byte> biases;

  bool operator==(const Encoded& other) const {
    return codes == other.codes && scales == other.scales &&
           biases == other.biases;
  }
};

Encoded encode(
    const AffineFormat& format,
    AffineRule rule,
    const std::vector<float>& row,
    const float* weights = nullptr) {
  const auto cols = static_cast<int64_t>(row.size());
  const int width = format.scale_format == ScaleFormat::f32 ? 4 : 2;
  const auto pairs = static_cast<size_t>(cols / format.group * width);
  Encoded out{
      format,
      cols,
      std::vector<std::byte>(static_cast<size_t>(cols * format.bits / 8)),
      std::vector<std::byte>(pairs),
      std::vector<std::byte>(pairs)};
  encode_affine_row(
      format,
      rule,
      row.data(),
      weights,
      cols,
      out.codes.data(),
      out.scales.data(),
      out.biases.data());
  return out;
}

std::vector<float> decode(const Encoded& encoded) {
  WeightView view;
  view.format = WeightFormat::affine;
  view.scale_format = encoded.format.scale_format;
  view.bits = static_cast<uint8_t>(encoded.format.bits);
  view.group = static_cast<uint16_t>(encoded.format.group);
  view.rows = 1;
  view.cols = encoded.cols;
  view.row_bytes = static_cast<int64_t>(encoded.codes.size());
  view.scale_stride = static_cast<int64_t>(encoded.scales.size());
  view.data = encoded.codes.data();
  view.scales = encoded.scales.data();
  view.biases = encoded.biases.data();
  std::vector<float> out(static_cast<size_t>(encoded.cols));
  dequantize_row(view, 0, out.data());
  return out;
}

double squared_error(
    const std::vector<float>& a,
    const std::vector<float>& b,
    const std::vector<float>& weights) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double off = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += static_cast<double>(weights[i]) * off * off;
  }
  return sum;
}

std::vector<float> normal_row(uint32_t seed, int64_t cols = kCols) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> row(static_cast<size_t>(cols));
  for (float& value : row)
    value = normal(random);
  return row;
}

std::vector<AffineFormat> all_formats() {
  std::vector<AffineFormat> formats;
  for (const int bits : {2, 3, 4, 5, 6, 8})
    for (const int group : {32, 64, 128})
      for (const ScaleFormat scale :
           {ScaleFormat::f32, ScaleFormat::bf16, ScaleFormat::f16})
        formats.push_back({bits, group, scale});
  return formats;
}

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
      if (format.bits == 2) {
        EXPECT_LT(search, 0.85 * plain);
      }
    }
}

// The least error over a fine grid of scales and biases, codes chosen freely.
double exhaustive_error(const std::vector<float>& group, float top) {
  double best = 1e30;
  for (int s = 1; s <= 120; ++s)
    for (int b = -150; b <= 0; ++b) {
      const double scale = 0.03 * s;
      const double bias = 0.03 * b;
      double sum = 0;
      for (const float value : group) {
        const double code = std::clamp(
            std::rint((static_cast<double>(value) - bias) / scale),
            0.0,
            static_cast<double>(top));
        const double off = static_cast<double>(value) - (scale * code + bias);
        sum += off * off;
      }
      best = std::min(best, sum);
    }
  return best;
}

TEST(AffineEncode, SearchComesCloseToAnExhaustiveOne) {
  for (const int bits : {2, 3}) {
    double found = 0;
    double best = 0;
    for (uint32_t seed = 10; seed < 26; ++seed) {
      const std::vector<float> row = normal_row(seed, 32);
      const AffineFormat format{bits, 32, ScaleFormat::f32};
      found += squared_error(
          row,
          decode(encode(format, AffineRule::search, row)),
          std::vector<float>(32, 1));
      best += exhaustive_error(row, static_cast<float>((1 << bits) - 1));
    }
    EXPECT_LT(found, 1.03 * best) << bits << " bits";
  }
}

TEST(AffineEncode, WeightsMoveTheErrorToWhereItCountsLess) {
  const std::vector<float> row = normal_row(3);
  std::vector<float> weights(kCols, 1);
  for (size_t i = 0; i < weights.size(); i += 8)
    weights[i] = 100;
  const AffineFormat format{3, 64, ScaleFormat::bf16};
  const double plain = squared_error(
      row, decode(encode(format, AffineRule::search, row)), weights);
  const double weighted = squared_error(
      row,
      decode(encode(format, AffineRule::search, row, weights.data())),
      weights);
  EXPECT_LT(weighted, 0.75 * plain);
}

TEST(AffineEncode, WeightsOfZeroCountAsNone) {
  const std::vector<float> row = normal_row(4);
  const std::vector<float> zeros(kCols, 0);
  const AffineFormat format{4, 64, ScaleFormat::bf16};
  EXPECT_EQ(
      encode(format, AffineRule::search, row, zeros.data()),
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
        encode(format, AffineRule::search, row, weights.data());
    for_each_target([&](const char* target) {
      EXPECT_EQ(encode(format, AffineRule::plain, row), plain) << target;
      EXPECT_EQ(encode(format, AffineRule::search, row, weights.data()), search)
          << target << ", " << format.bits << " bits";
    });
  }
}

TEST(AffineEncode, WideRowsAreNoSpecialCase) {
  const std::vector<float> wide = normal_row(6, 4096 + 256);
  const std::vector<float> tail(wide.begin() + 4096, wide.end());
  const AffineFormat format{5, 128, ScaleFormat::bf16};
  const Encoded all = encode(format, AffineRule::search, wide);
  const Encoded end = encode(format, AffineRule::search, tail);
  EXPECT_TRUE(std::equal(
      end.codes.begin(), end.codes.end(), all.codes.begin() + 4096 * 5 / 8));
  EXPECT_TRUE(std::equal(
      end.biases.begin(), end.biases.end(), all.biases.begin() + 64));
}

}  // namespace
}  // namespace hadal
