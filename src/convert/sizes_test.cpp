#include "convert/sizes.h"

#include <gtest/gtest.h>

#include "hadal/error.h"

namespace hadal {
namespace {

TEST(Sizes, AsPeopleWriteThem) {
  EXPECT_EQ(parse_size("5G"), 5'000'000'000U);
  EXPECT_EQ(parse_size("5gb"), 5'000'000'000U);
  EXPECT_EQ(parse_size("1.5 MB"), 1'500'000U);
  EXPECT_EQ(parse_size("2KiB"), 2048U);
  EXPECT_EQ(parse_size("1TiB"), uint64_t{1} << 40);
  EXPECT_EQ(parse_size("123"), 123U);
  EXPECT_EQ(parse_size("7B"), 7U);
  for (const char* bad :
       {"", "G", "0", "-1G", "5X", "5GBB", "5 GiBs", "1e30G", "five", "nan"})
    EXPECT_THROW(parse_size(bad), Error) << bad;
}

}  // namespace
}  // namespace hadal
