#include "kernels/rms_norm/rms_norm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/case_targets.h"
#include "kernels/kernel_check.h"
#include "kernels/random_weight.h"
#include "kernels/rms_norm/rms_norm_cases.h"
#include "kernels/same_bits.h"

namespace hadal {
namespace {

std::vector<float> run(
    const std::vector<float>& x,
    int64_t rows,
    const std::vector<float>& weight,
    int threads) {
  ThreadTeam team(threads);
  const int64_t dim = static_cast<int64_t>(weight.size());
  std::vector<float> y(static_cast<size_t>(rows * dim));
  rms_norm_cpu(
      {.x = x.data(),
       .x_stride = dim,
       .y = y.data(),
       .y_stride = dim,
       .rows = rows,
       .dim = dim,
       .weight = weight.data(),
       .eps = 1e-6F},
      team);
  return y;
}

// rms_norm.h, word by word.
std::vector<float> contract(
    const std::vector<float>& x,
    int64_t rows,
    const std::vector<float>& weight) {
  const int64_t dim = static_cast<int64_t>(weight.size());
  std::vector<float> y;
  for (int64_t r = 0; r < rows; ++r) {
    const float* row = x.data() + r * dim;
    float acc[16] = {};
    for (int64_t i = 0; i < dim; ++i)
      acc[i % 16] = std::fma(row[i], row[i], acc[i % 16]);
    for (int h = 8; h > 0; h /= 2)
      for (int i = 0; i < h; ++i)
        acc[i] += acc[i + h];
    const float f = 1.0F / std::sqrt(acc[0] / static_cast<float>(dim) + 1e-6F);
    for (int64_t i = 0; i < dim; ++i)
      y.push_back(row[i] * f * weight[i]);
  }
  return y;
}

TEST(RmsNorm, CpuAgreesWithTheReference) {
  Backend backend{};
  backend.rms_norm = rms_norm_cpu;
  ThreadTeam team(2);
  std::vector<KernelCheck> checks;
  check_rms_norm(backend, team, checks);
  for (const KernelCheck& check : checks)
    EXPECT_TRUE(check.ok) << check.case_name << ": " << check.max_error;
}

TEST(RmsNorm, CpuKeepsTheContractToTheBitHoweverTheRowsAreSplit) {
  for (int64_t dim : {1, 15, 16, 17, 37, 128, 384, 4096}) {
    const std::vector<float> x = random_values(17 * dim, 1);
    const std::vector<float> weight = random_values(dim, 2);
    const std::vector<float> expected = contract(x, 17, weight);
    for_each_target([&](const std::string& target) {
      for (int threads : {1, 2, 3})
        expect_same_bits(run(x, 17, weight, threads), expected, target);
      const std::vector<float> last(x.end() - dim, x.end());
      expect_same_bits(
          run(last, 1, weight, 1),
          std::vector<float>(expected.end() - dim, expected.end()),
          target + ", one row");
    });
  }
}

TEST(RmsNorm, InPlaceAndStrides) {
  std::vector<float> x = random_values(3 * 50, 3);
  const std::vector<float> before = x;
  ThreadTeam team(1);
  rms_norm_cpu(
      {.x = x.data(),
       .x_stride = 50,
       .y = x.data(),
       .y_stride = 50,
       .rows = 3,
       .dim = 40,
       .eps = 1e-6F},
      team);
  for (int64_t r = 0; r < 3; ++r)
    for (int64_t i = 40; i < 50; ++i)
      EXPECT_EQ(x[r * 50 + i], before[r * 50 + i]);
  const std::vector<float> row(before.begin() + 50, before.begin() + 90);
  const std::vector<float> expected =
      run(row, 1, std::vector<float>(40, 1.0F), 1);
  expect_same_bits(
      {x.begin() + 50, x.begin() + 90}, expected, "in place, no weight");
}

TEST(RmsNorm, NanStaysInItsRow) {
  std::vector<float> x = random_values(2 * 64, 4);
  x[70] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> y = run(x, 2, std::vector<float>(64, 1.0F), 1);
  for (int i = 0; i < 64; ++i) {
    EXPECT_TRUE(std::isfinite(y[i]));
    EXPECT_TRUE(std::isnan(y[64 + i]));
  }
}

}  // namespace
}  // namespace hadal
