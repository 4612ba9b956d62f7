#include "base/readable.h"

#include <gtest/gtest.h>

#include <limits>

namespace hadal {
namespace {

TEST(Readable, GroupsOfThreeDigits) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(-999), "-999");
  EXPECT_EQ(grouped(-1000), "-1,000");
  EXPECT_EQ(grouped(1234567890), "1,234,567,890");
}

TEST(Readable, ThreeDigitsOfBytes) {
  EXPECT_EQ(readable_bytes(0), "0 B");
  EXPECT_EQ(readable_bytes(999), "999 B");
  EXPECT_EQ(readable_bytes(1000), "1.00 kB");
  EXPECT_EQ(readable_bytes(99'960), "100 kB");
  EXPECT_EQ(readable_bytes(999'499), "999 kB");
  EXPECT_EQ(readable_bytes(999'600), "1.00 MB");
  EXPECT_EQ(readable_bytes(30'570'466), "30.6 MB");
  EXPECT_EQ(readable_bytes(159'609'485'896), "160 GB");
  EXPECT_EQ(readable_bytes(std::numeric_limits<uint64_t>::max()), "18.4 EB");
}

}  // namespace
}  // namespace hadal
