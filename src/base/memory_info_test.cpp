#include "base/memory_info.h"

#include <gtest/gtest.h>

#include <vector>

namespace hadal {
namespace {

TEST(MemoryInfo, IsPlausible) {
  const MemoryInfo info = memory_info();
  EXPECT_GT(info.total_bytes, 64U << 20);
  EXPECT_GT(info.available_bytes, 0U);
  EXPECT_LE(info.available_bytes, info.total_bytes);
}

TEST(MemoryInfo, PeakGrowsWithWhatIsTouched) {
  const uint64_t before = peak_resident_bytes();
  const std::vector<char> touched(64 << 20, 1);
  EXPECT_GE(peak_resident_bytes(), before);
  EXPECT_GE(peak_resident_bytes(), touched.size());
}

}  // namespace
}  // namespace hadal
