#include "generation/random.h"

#include <gtest/gtest.h>

#include <set>

namespace hadal {
namespace {

using Words = std::array<uint32_t, 4>;

// The known answers that come with the authors' implementation.
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(
      philox({0, 0}, {0, 0, 0, 0}),
      (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(
      philox(
          {0xffffffff, 0xffffffff},
          {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}),
      (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(
      philox(
          {0xa4093822, 0x299f31d0},
          {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}),
      (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(RandomBits, DependOnSeedAndStep) {
  EXPECT_EQ(random_bits(0, 0), 0xe169c58d6627e8d5U);
  std::set<uint64_t> seen;
  for (const uint64_t seed :
       {uint64_t{0}, uint64_t{1}, uint64_t{1} << 32, UINT64_MAX}) {
    for (const uint64_t step :
         {uint64_t{0}, uint64_t{1}, uint64_t{2}, uint64_t{1} << 32})
      seen.insert(random_bits(seed, step));
  }
  EXPECT_EQ(seen.size(), 16U);
}

TEST(RandomBits, FreshSeedsDiffer) {
  EXPECT_NE(fresh_seed(), fresh_seed());
}

}  // namespace
}  // namespace hadal
