// The case tables on a GPU, and the invariance law: a token's bits do not
// depend on what else is in the call. Skipped where there is no GPU.
#include <fmt/format.h>
#include <gtest/gtest.h>

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

TEST_F(CudaKernels, AProductsTokenStandsAlone) {
  const Backend& backend = staged_cuda_backend();
  for (const LinearCase& the_case : linear_cases()) {
    const RandomWeight weight(the_case.weight, 1);
    const WeightView& view = weight.view();
    constexpr int64_t kTokens = 19;
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
    params.tokens = 1;
    for (int64_t t = 0; t < kTokens; ++t) {
      params.x = x.data() + t * view.cols;
      params.y = apart.data() + t * view.rows;
      backend.linear(params, team);
    }
    EXPECT_EQ(
        std::memcmp(together.data(), apart.data(), together.size() * 4), 0)
        << the_case.name;
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

}  // namespace
}  // namespace hadal
