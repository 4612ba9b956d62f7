#include "cli/verify/divergence.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

namespace hadal::cli {
namespace {

TEST(KlDivergence, ByHand) {
  // p = (1/2, 1/4, 1/4), q = (1/4, 1/4, 1/2): 1/2 log 2 - 1/4 log 2.
  const std::array p{std::log(2.F), 0.F, 0.F};
  const std::array q{7.F, 7.F, 7.F + std::log(2.F)};
  EXPECT_NEAR(kl_divergence(p, q), 0.25 * std::log(2.0), 1e-7);
  EXPECT_EQ(kl_divergence(p, p), 0);
}

TEST(KlDivergence, AShiftOfLogitsIsNoDifference) {
  const std::array<float, 3> p{1000.F, 1001.F, 999.F};
  const std::array<float, 3> q{-1.F, 0.F, -2.F};
  EXPECT_NEAR(kl_divergence(p, q), 0, 1e-12);
}

TEST(KlDivergence, ResolvesSmallDifferences) {
  std::array<float, 64> p{};
  std::array<float, 64> q{};
  for (size_t i = 0; i < p.size(); ++i) {
    p[i] = static_cast<float>(i % 7);
    q[i] = p[i] + (i == 5 ? 1e-3F : 0.F);
  }
  // To second order: d * d * share * (1 - share) / 2.
  const double kl = kl_divergence(p, q);
  EXPECT_GT(kl, 1e-10);
  EXPECT_LT(kl, 1e-6);
}

TEST(Statistics, NothingLetsANumberPassThatIsNone) {
  Statistics kl;
  kl.add(0.5);
  EXPECT_EQ(kl.mean(), 0.5);
  const std::array p{0.F, 0.F};
  const std::array bad{std::numeric_limits<float>::quiet_NaN(), 0.F};
  kl.add(kl_divergence(p, bad));
  EXPECT_FALSE(kl.mean() <= 1e30);
  EXPECT_FALSE(kl.max() <= 1e30);
}

TEST(RelativeError, OfTheWhole) {
  const std::array a{1.F, -4.F};
  const std::array b{1.5F, -4.F};
  EXPECT_DOUBLE_EQ(relative_error(a, b), 0.125);
  const std::array bad{1.F, std::numeric_limits<float>::infinity()};
  EXPECT_FALSE(relative_error(a, bad) <= 1e30);
}

}  // namespace
}  // namespace hadal::cli
