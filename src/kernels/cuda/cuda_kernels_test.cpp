// The case tables on a GPU, and the invariance law: a token's bits do not
// depend on what else is in the call. Skipped where there is no GPU.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "kernels/cuda/find_device.h"
#include "kernels/cuda/staged_backend.h"
#include "kernels/experts/experts_cases.h"
#include "kernels/experts/random_experts.h"
#include "kernels/kernel_check.h"
#include "kernels/linear/linear_cases.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

struct CudaKernels : ::testing::Test {
  void SetUp() override {
    if (const std::string reason = missing_cuda_device(); !reason.empty())
      GTEST_SKIP() << reason;
  }
  ThreadTeam team{ThreadTeamOptions{.threads = 4}};
};

TEST_F(CudaKernels, AgreeWithTheReference) {
  int failed = 0;
  for (const KernelCheck& check : check_backend(staged_cuda_backend(), team)) {
    if (check.ok)
      continue;
    ++failed;
    ADD_FAILURE() << fmt::format(
        "{}, {}: error {:.3g}, tolerance {:.3g}",
        check.kernel,
        check.case_name,
        check.max_error,
        check.tolerance);
  }
  EXPECT_EQ(failed, 0);
}

// Alone, among a few, among dozens.
TEST_F(CudaKernels, AProductsTokenStandsAlone) {
  const Backend& backend = staged_cuda_backend();
  std::vector<LinearCase> cases = linear_cases();
  for (const WeightFormat format :
       {WeightFormat::bf16, WeightFormat::fp8_block, WeightFormat::mxfp4}) {
    LinearCase& many = cases.emplace_back();
    many = {"many rows", scaled_weight(format, 16400, 384)};
    many.activation = ActivationFormat::bf16;
    if (format == WeightFormat::bf16)
      many.weight.scale_format = ScaleFormat::none;
  }
  for (const LinearCase& the_case : cases) {
    const RandomWeight weight(the_case.weight, 1);
    const WeightView& view = weight.view();
    constexpr int64_t kTokens = 43;
    const std::vector<float> x = random_values(kTokens * view.cols, 2);
    std::vector<float> together(static_cast<size_t>(kTokens * view.rows));
    std::vector<float> apart(together.size());
    LinearParams params = {
        .x = x.data(),
        .x_stride = view.cols,
        .y = together.data(),
        .y_stride = view.rows,
        .tokens = kTokens,
        .weight = view,
        .activation = the_case.activation};
    backend.linear(params, team);
    int64_t first = 0;
    for (const int64_t tokens : {1, 5, 1, 8, 19, 9}) {
      params.tokens = tokens;
      params.x = x.data() + first * view.cols;
      params.y = apart.data() + first * view.rows;
      backend.linear(params, team);
      first += tokens;
    }
    ASSERT_EQ(first, kTokens);
    EXPECT_EQ(
        std::memcmp(together.data(), apart.data(), together.size() * 4), 0)
        << the_case.name;
  }
}

// Inputs that products share, jobs of all formats in one launch, tiles of both
// heights.
TEST_F(CudaKernels, ProductsTogetherHaveTheBitsOfEachAlone) {
  const Backend& backend = staged_cuda_backend();
  std::vector<LinearCase> cases;
  for (const LinearCase& the_case : linear_cases())
    if (the_case.weight.cols == 384)
      cases.push_back(the_case);
  cases.push_back(
      {"many rows",
       scaled_weight(WeightFormat::fp8_block, 8200, 384),
       ActivationFormat::bf16});
  std::vector<RandomWeight> weights;
  for (const LinearCase& the_case : cases)
    weights.emplace_back(the_case.weight, weights.size() + 1);
  for (const int64_t tokens : {1, 7, 33}) {
    const std::vector<float> x = random_values(2 * tokens * 384, 2);
    std::vector<std::vector<float>> together;
    std::vector<LinearParams> products;
    for (size_t i = 0; i < cases.size(); ++i) {
      const WeightView& view = weights[i].view();
      together.emplace_back(static_cast<size_t>(tokens * view.rows));
      products.push_back(
          {.x = x.data() + i % 2 * tokens * 384,
           .x_stride = 384,
           .y = together.back().data(),
           .y_stride = view.rows,
           .tokens = tokens,
           .weight = view,
           .activation = cases[i].activation});
    }
    backend.linear_many(products, team);
    for (size_t i = 0; i < cases.size(); ++i) {
      std::vector<float> alone(together[i].size());
      LinearParams params = products[i];
      params.y = alone.data();
      backend.linear(params, team);
      EXPECT_EQ(
          std::memcmp(together[i].data(), alone.data(), alone.size() * 4), 0)
          << cases[i].name << ", " << tokens << " tokens";
    }
  }
}

// A NaN among the codes or the scales of a row makes the row's outputs NaN.
TEST_F(CudaKernels, ABadWeightIsSeenInItsRow) {
  const Backend& backend = staged_cuda_backend();
  for (const WeightFormat format :
       {WeightFormat::fp8_block, WeightFormat::mxfp8, WeightFormat::mxfp4}) {
    for (const bool scale : {false, true}) {
      if (!scale && format == WeightFormat::mxfp4)
        continue;
      const RandomWeight weight(scaled_weight(format, 300, 512), 1);
      WeightView view = weight.view();
      std::vector<std::byte> data(view.data, view.data + 300 * view.row_bytes);
      const int64_t scale_rows = format == WeightFormat::fp8_block ? 3 : 300;
      std::vector<std::byte> scales(
          view.scales, view.scales + scale_rows * view.scale_stride);
      (scale ? scales[static_cast<size_t>(view.scale_stride + 1)]
             : data[static_cast<size_t>(130 * view.row_bytes + 200)]) =
          static_cast<std::byte>(scale ? 0xFF : 0x7F);
      view.data = data.data();
      view.scales = scales.data();
      const std::vector<float> x = random_values(3 * 512, 2);
      for (const auto activation :
           {ActivationFormat::f32, ActivationFormat::bf16})
        for (const int64_t tokens : {1, 3}) {
          std::vector<float> y(static_cast<size_t>(tokens * 300));
          backend.linear(
              {.x = x.data(),
               .x_stride = 512,
               .y = y.data(),
               .y_stride = 300,
               .tokens = tokens,
               .weight = view,
               .activation = activation},
              team);
          for (int64_t i = 0; i < tokens * 300; ++i) {
            const int64_t row = i % 300;
            const bool bad = !scale ? row == 130
                             : format == WeightFormat::fp8_block
                                 ? row >= 128 && row < 256
                                 : row == 1;
            EXPECT_EQ(std::isnan(y[static_cast<size_t>(i)]), bad)
                << "format " << static_cast<int>(format) << ", row " << row;
          }
        }
    }
  }
}

TEST_F(CudaKernels, AnExpertsTokenStandsAlone) {
  const Backend& backend = staged_cuda_backend();
  for (const ExpertsCase& the_case : kExpertsCases) {
    const RandomExperts layer(the_case);
    std::vector<float> together(
        static_cast<size_t>(the_case.tokens * the_case.hidden));
    std::vector<float> apart(together.size());
    backend.experts(layer.params(0, the_case.tokens, together.data()), team);
    for (int64_t t = 0; t < the_case.tokens; ++t)
      backend.experts(
          layer.params(t, 1, apart.data() + t * the_case.hidden), team);
    EXPECT_EQ(
        std::memcmp(together.data(), apart.data(), together.size() * 4), 0)
        << the_case.name;
  }
}

// Groups of every size, and groups that are cut.
TEST_F(CudaKernels, AnExpertsTokenDoesNotDependOnTheNumberOfOthers) {
  const Backend& backend = staged_cuda_backend();
  for (ExpertsCase the_case : kExpertsCases) {
    if (the_case.hidden * the_case.inner > 512 * 512)
      continue;
    the_case.tokens = 64;
    const RandomExperts layer(the_case);
    const auto size = static_cast<size_t>(the_case.hidden);
    std::vector<float> together(64 * size);
    backend.experts(layer.params(0, 64, together.data()), team);
    for (const int64_t count : {2, 3, 5, 8, 9, 17, 33}) {
      const int64_t first = 64 - count;
      std::vector<float> some(static_cast<size_t>(count) * size);
      backend.experts(layer.params(first, count, some.data()), team);
      EXPECT_EQ(
          std::memcmp(
              together.data() + static_cast<size_t>(first) * size,
              some.data(),
              some.size() * 4),
          0)
          << the_case.name << ", " << count << " tokens";
    }
  }
}

}  // namespace
}  // namespace hadal
