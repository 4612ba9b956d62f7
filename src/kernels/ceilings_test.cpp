#include "kernels/ceilings.h"

#include <gtest/gtest.h>

#include "kernels/case_targets.h"

namespace hadal {
namespace {

TEST(Ceilings, MeasuresEveryRoofOnEveryInstructionSet) {
  ThreadTeam team(1);
  for_each_target([&](const char* target) {
    SCOPED_TRACE(target);
    for (const Arithmetic arithmetic :
         {Arithmetic::fp32_fma, Arithmetic::int16_dot, Arithmetic::int8_dot})
      EXPECT_GT(measure_peak(arithmetic, team), 1e6) << name(arithmetic);
    EXPECT_GE(measure_peak(Arithmetic::bf16_dot, team), 0);
  });
}

// A memory that were slower than 100 MB/s, or faster than 100 TB/s, would be a
// loop that reads something else than it says.
TEST(Ceilings, BandwidthIsThatOfAMemory) {
  ThreadTeam team(1);
  for_each_target([&](const char* target) {
    SCOPED_TRACE(target);
    const double bandwidth = BandwidthProbe(team, size_t{64} << 20).measure();
    EXPECT_GT(bandwidth, 1e8);
    EXPECT_LT(bandwidth, 1e14);
  });
}

TEST(Ceilings, SaysWhatRan) {
  ThreadTeam team(2);
  const Ceilings ceilings = measure_ceilings(team, size_t{16} << 20);
  EXPECT_EQ(ceilings.threads, 2);
  EXPECT_FALSE(ceilings.instruction_set.empty());
  EXPECT_EQ(
      ceilings.peak(Arithmetic::int8_dot),
      ceilings.peaks[static_cast<int>(Arithmetic::int8_dot)]);
}

}  // namespace
}  // namespace hadal
