// Products of many tokens on a GPU have the bits of one token alone. Skipped
// where there is no GPU, or none of capability 9.0.
#include "kernels/linear/wide_product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kernels/cuda/find_device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/stage.h"
#include "kernels/linear/linear_cases.h"
#include "kernels/random_weight.h"
#include "kernels/same_bits.h"

namespace hadal {
namespace {

struct WideCase {
  std::string name;
  WeightView weight;
};

// Every kind of kernel; rows and columns that fill no tile.
std::vector<WideCase> wide_cases() {
  using enum WeightFormat;
  const ScaleFormat wide = ScaleFormat::f32;
  const ScaleFormat half = ScaleFormat::f16;
  return {
      {"bf16", float_weight(bf16, 300, 1096)},
      {"fp8", scaled_weight(fp8_block, 257, 4096)},
      {"fp8, few columns", scaled_weight(fp8_block, 65, 144)},
      {"fp8, float32 scales", scaled_weight(fp8_block, 300, 2064, wide)},
      {"mxfp8", scaled_weight(mxfp8, 131, 1152)},
      {"mxfp4", scaled_weight(mxfp4, 520, 2080)},
      {"affine 4 of 32", affine_weight(4, 32, 150, 1056, wide)},
      {"affine 4 of 64", affine_weight(4, 64, 150, 1216)},
      {"affine 4 of 128", affine_weight(4, 128, 150, 1152, half)},
      {"affine 8 of 32", affine_weight(8, 32, 150, 1056, half)},
      {"affine 8 of 64", affine_weight(8, 64, 150, 1216)},
  };
}

struct WideProducts : ::testing::Test {
  void SetUp() override {
    if (const std::string reason = missing_cuda_device(); !reason.empty())
      GTEST_SKIP() << reason;
  }
};

LinearParams bf16_product(
    const float* x, float* y, int64_t tokens, const WeightView& weight) {
  return {
      .x = x,
      .x_stride = weight.cols,
      .y = y,
      .y_stride = weight.rows,
      .tokens = tokens,
      .weight = weight,
      .activation = ActivationFormat::bf16};
}

TEST_F(WideProducts, ATokenStandsAlone) {
  for (const WideCase& the_case : wide_cases()) {
    const RandomWeight weight(the_case.weight, 1);
    for (const int64_t tokens : {50, 129, 300}) {
      cuda::Stage stage;
      const WeightView view = stage.in(weight.view());
      if (!cuda::takes_wide_product(view, tokens, ActivationFormat::bf16))
        GTEST_SKIP() << "no warpgroup instructions, or not " << the_case.name;
      const std::vector<float> x = random_values(tokens * view.cols, 2);
      std::vector<float> together(static_cast<size_t>(tokens * view.rows));
      std::vector<float> apart(together.size());
      const float* const inputs =
          stage.in(x.data(), static_cast<int64_t>(x.size()));
      const LinearParams all = bf16_product(
          inputs,
          stage.in_out(together.data(), static_cast<int64_t>(together.size())),
          tokens,
          view);
      cuda::wide_products({&all, 1});
      float* const alone =
          stage.in_out(apart.data(), static_cast<int64_t>(apart.size()));
      for (int64_t t = 0; t < tokens; ++t)
        linear_cuda(bf16_product(
            inputs + t * view.cols, alone + t * view.rows, 1, view));
      stage.finish();
      expect_same_bits(
          together, apart, the_case.name + ", " + std::to_string(tokens));
    }
  }
}

TEST_F(WideProducts, AnEntryOfAGroupStandsAlone) {
  for (const WideCase& the_case : wide_cases()) {
    if (!cuda::takes_grouped_product(
            RandomWeight(the_case.weight, 1).view(), ActivationFormat::bf16))
      GTEST_SKIP() << "no warpgroup instructions, or not " << the_case.name;
    // Groups of few entries, of none, and of several tiles.
    const std::vector<std::vector<int32_t>> sizes = {
        {3, 0, 17, 1}, {70, 33, 0, 64}, {300, 0, 170, 129}};
    for (const std::vector<int32_t>& counts : sizes) {
      constexpr int64_t kTokens = 40;
      cuda::Stage stage;
      std::vector<WeightView> views;
      std::vector<int32_t> first{0};
      std::vector<int32_t> rows;
      for (size_t g = 0; g < counts.size(); ++g) {
        views.push_back(stage.in(RandomWeight(the_case.weight, g + 1).view()));
        for (int32_t i = 0; i < counts[g]; ++i)
          rows.push_back(static_cast<int32_t>(rows.size() * 7 % kTokens));
        first.push_back(static_cast<int32_t>(rows.size()));
      }
      const WeightView& like = views[0];
      const auto entries = static_cast<int64_t>(rows.size());
      const std::vector<float> x = random_values(kTokens * like.cols, 2);
      std::vector<float> together(static_cast<size_t>(entries * like.rows));
      std::vector<float> apart(together.size());
      const auto values = static_cast<int64_t>(together.size());
      const float* const inputs =
          stage.in(x.data(), static_cast<int64_t>(x.size()));
      const cuda::GroupedProduct product = {
          stage.in(views.data(), static_cast<int64_t>(views.size())),
          like,
          stage.in_out(together.data(), values),
          like.rows};
      cuda::grouped_products(
          {static_cast<int64_t>(counts.size()),
           entries,
           stage.in(first.data(), static_cast<int64_t>(first.size())),
           stage.in(rows.data(), entries)},
          inputs,
          like.cols,
          {&product, 1});
      float* const alone = stage.in_out(apart.data(), values);
      for (size_t g = 0; g < counts.size(); ++g)
        for (int32_t e = first[g]; e < first[g + 1]; ++e)
          linear_cuda(bf16_product(
              inputs + rows[static_cast<size_t>(e)] * like.cols,
              alone + e * like.rows,
              1,
              views[g]));
      stage.finish();
      expect_same_bits(
          together, apart, the_case.name + ", " + std::to_string(counts[0]));
    }
  }
}

// A NaN among the codes, which are unpacked as if there were none.
TEST_F(WideProducts, NanStaysInItsRow) {
  const RandomWeight weight(
      scaled_weight(WeightFormat::fp8_block, 200, 1024), 1);
  constexpr int64_t kTokens = 64;
  cuda::Stage stage;
  WeightView host = weight.view();
  std::vector<std::byte> codes(
      host.data, host.data + host.rows * host.row_bytes);
  codes[static_cast<size_t>(77 * host.row_bytes + 500)] = std::byte{0x7F};
  host.data = codes.data();
  const WeightView view = stage.in(host);
  if (!cuda::takes_wide_product(view, kTokens, ActivationFormat::bf16))
    GTEST_SKIP() << "no warpgroup instructions";
  const std::vector<float> x = random_values(kTokens * view.cols, 2);
  std::vector<float> y(static_cast<size_t>(kTokens * view.rows));
  const LinearParams params = bf16_product(
      stage.in(x.data(), static_cast<int64_t>(x.size())),
      stage.in_out(y.data(), static_cast<int64_t>(y.size())),
      kTokens,
      view);
  cuda::wide_products({&params, 1});
  stage.finish();
  for (int64_t i = 0; i < kTokens * view.rows; ++i)
    EXPECT_EQ(std::isnan(y[static_cast<size_t>(i)]), i % view.rows == 77) << i;
}

}  // namespace
}  // namespace hadal
