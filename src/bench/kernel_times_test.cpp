#include "bench/kernel_times.h"

#include <gtest/gtest.h>

#include <string>

namespace hadal {
namespace {

Ceilings ceilings() {
  Ceilings out;
  out.read_bytes_per_second = 100;
  out.peaks[static_cast<int>(Arithmetic::fp32_fma)] = 1000;
  return out;
}

TEST(KernelTimes, TheHigherCeilingCounts) {
  KernelUse use{.name = "x", .calls = 2, .seconds = 4};
  EXPECT_EQ(share_of_ceiling(use, ceilings()), 0);
  use.weight_bytes = 100;
  use.cache_bytes = 100;
  EXPECT_DOUBLE_EQ(share_of_ceiling(use, ceilings()), 0.5);
  use.operations[static_cast<int>(Arithmetic::fp32_fma)] = 2000;
  use.score_operations[static_cast<int>(Arithmetic::fp32_fma)] = 1000;
  EXPECT_DOUBLE_EQ(share_of_ceiling(use, ceilings()), 0.75);
}

TEST(KernelTimes, TextNamesTheCeiling) {
  StepProfile profile{.name = "one token", .seconds = 1, .runs = 2};
  profile.kernels = {
      {.name = "linear", .calls = 4, .seconds = 2, .weight_bytes = 100},
      {.name = "router", .calls = 2, .seconds = 1}};
  const std::string text = times_text(profile, ceilings());
  EXPECT_NE(
      text.find("2   500.0000    50.0% of the read bandwidth"),
      std::string::npos)
      << text;
  EXPECT_NE(text.find("router"), std::string::npos);
}

}  // namespace
}  // namespace hadal
