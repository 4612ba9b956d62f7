// Products with float32 and bfloat16 activations where numbers are very small,
// very large or none, with the bfloat16 dot product and without.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "hadal/error.h"
#include "kernels/case_targets.h"
#include "kernels/linear/float_scratch.h"
#include "kernels/linear/linear_cases.h"
#include "kernels/linear/linear_contract.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

// On every instruction set; where one has the bfloat16 dot product, with and
// without.
template <class Body>
void for_each_way(const Body& body) {
  for_each_target([&](const std::string& target) {
    if (has_bf16_dot()) {
      allow_bf16_dot(false);
      body(target + " without the dot product");
      allow_bf16_dot(true);
    }
    body(target);
  });
}

// A NaN of any bits equals a NaN.
void expect_same_numbers(
    const std::vector<float>& found,
    const std::vector<float>& expected,
    const std::string& what) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t i = 0; i < found.size(); ++i) {
    if (std::isnan(found[i]) && std::isnan(expected[i]))
      continue;
    ASSERT_EQ(
        std::bit_cast<uint32_t>(found[i]), std::bit_cast<uint32_t>(expected[i]))
        << what << ": at " << i << " found " << found[i] << ", expected "
        << expected[i];
  }
}

// Numbers of any sign with exponents in [least, most].
std::vector<float> of_any_size(
    int64_t count, int least, int most, uint64_t seed) {
  RandomNumbers random(seed);
  std::vector<float> values;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t range = static_cast<uint64_t>(most - least + 1);
    const int exponent = least + static_cast<int>(random.bits() % range);
    values.push_back(std::ldexp(random.normal(), exponent));
  }
  return values;
}

void expect_contract(
    const WeightView& view,
    ActivationFormat activation,
    const std::vector<float>& x,
    const std::string& what) {
  const int64_t all = static_cast<int64_t>(x.size()) / view.cols;
  const std::vector<float> expected = contract(view, activation, x, all);
  for_each_way([&](const std::string& way) {
    for (const int64_t tokens : {int64_t{1}, int64_t{3}, all})
      expect_same_numbers(
          run(linear_cpu, view, activation, x.data(), tokens, 1),
          {expected.begin(), expected.begin() + tokens * view.rows},
          what + ", " + std::to_string(tokens) + " tokens, " + way);
  });
}

const WeightView kFormats[] = {
    scaled_weight(WeightFormat::fp8_block, 21, 264),
    scaled_weight(WeightFormat::fp8_block, 21, 264, ScaleFormat::f32),
    scaled_weight(WeightFormat::mxfp8, 21, 288),
    float_weight(WeightFormat::bf16, 21, 200)};

TEST(FloatProduct, SmallAndLargeActivations) {
  for (const WeightView& like : kFormats) {
    const RandomWeight weight(like, 1);
    const int64_t count = 12 * like.cols;
    for (const ActivationFormat activation :
         {ActivationFormat::bf16, ActivationFormat::f32}) {
      const auto check = [&](int least, int most) {
        expect_contract(
            weight.view(),
            activation,
            of_any_size(count, least, most, 2),
            "exponents from " + std::to_string(least));
      };
      check(-10, 10);
      check(-75, -55);
      check(-149, -100);
      check(80, 100);
    }
  }
}

TEST(FloatProduct, NoNumbersShow) {
  for (const WeightView& like : kFormats) {
    const RandomWeight weight(like, 3);
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(),
          std::numeric_limits<float>::infinity(),
          -std::numeric_limits<float>::infinity()}) {
      std::vector<float> x = random_values(12 * like.cols, 4);
      x[5] = bad;
      x[9 * like.cols + like.cols - 1] = bad;
      expect_contract(weight.view(), ActivationFormat::bf16, x, "bf16");
      expect_contract(weight.view(), ActivationFormat::f32, x, "f32");
      const std::vector<float> y = run(
          linear_cpu, weight.view(), ActivationFormat::bf16, x.data(), 1, 1);
      for (const float value : y)
        EXPECT_FALSE(std::isfinite(value));
    }
  }
}

// A copy of a weight with some bytes changed.
struct Changed {
  std::vector<std::byte> data;
  std::vector<std::byte> scales;
  WeightView view;

  explicit Changed(const RandomWeight& weight) : view(weight.view()) {
    const int64_t rows = view.format == WeightFormat::fp8_block
                             ? (view.rows + 127) / 128
                             : view.rows;
    data.assign(view.data, view.data + view.rows * view.row_bytes);
    if (view.scales != nullptr)
      scales.assign(view.scales, view.scales + rows * view.scale_stride);
    view.data = data.data();
    view.scales = scales.data();
  }
};

TEST(FloatProduct, EveryCodeAndScale) {
  const std::vector<float> x = random_values(12 * 256, 6);
  for (const WeightFormat format :
       {WeightFormat::fp8_block, WeightFormat::mxfp8}) {
    const RandomWeight weight(scaled_weight(format, 9, 256), 5);
    for (const int scale : {0, 1, 80, 81, 82, 127, 167, 168, 254, 255}) {
      Changed changed(weight);
      changed.scales[1] = static_cast<std::byte>(scale);
      for (const ActivationFormat activation :
           {ActivationFormat::bf16, ActivationFormat::f32})
        expect_contract(
            changed.view, activation, x, "scale " + std::to_string(scale));
    }
    Changed changed(weight);
    for (int code = 0; code < 256; ++code)  // with the two NaN
      changed.data[4 * 256 + code] = static_cast<std::byte>(code);
    for (const ActivationFormat activation :
         {ActivationFormat::bf16, ActivationFormat::f32}) {
      expect_contract(changed.view, activation, x, "all codes");
      const std::vector<float> y =
          run(linear_cpu, changed.view, activation, x.data(), 1, 1);
      EXPECT_TRUE(std::isnan(y[4]));
      EXPECT_FALSE(std::isnan(y[3]));
    }
  }
}

// Any finite bfloat16 numbers as weights, subnormal ones too.
TEST(FloatProduct, AnyBf16Weights) {
  const RandomWeight weight(float_weight(WeightFormat::bf16, 21, 200), 7);
  Changed changed(weight);
  RandomNumbers random(8);
  for (size_t i = 1; i < changed.data.size(); i += 2) {
    changed.data[i - 1] = static_cast<std::byte>(random.bits());
    // Exponents from 0 to about 2^34.
    changed.data[i] =
        static_cast<std::byte>((random.bits() & 0x80) | random.bits() % 0x50);
  }
  for (const ActivationFormat activation :
       {ActivationFormat::bf16, ActivationFormat::f32})
    for (const int least : {-80, -10})
      expect_contract(
          changed.view,
          activation,
          of_any_size(12 * 200, least, least + 20, 9),
          "exponents from " + std::to_string(least));
}

TEST(FloatProduct, Bf16RefusesWeightsThatDoNotFit) {
  using enum WeightFormat;
  for (const WeightFormat format : {f32, f16}) {
    const RandomWeight weight(scaled_weight(format, 16, 64), 1);
    const std::vector<float> x(64);
    for (auto* linear : {linear_reference, linear_cpu})
      EXPECT_THROW(
          run(linear, weight.view(), ActivationFormat::bf16, x.data(), 1, 1),
          Error);
  }
}

}  // namespace
}  // namespace hadal
