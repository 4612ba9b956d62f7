#include "base/huge_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <new>
#include <utility>

namespace hadal {
namespace {

TEST(HugeMemory, IsAlignedZeroAndWritable) {
  const size_t bytes = HugeMemory::kHugePageBytes + 5;
  const HugeMemory memory(bytes);
  ASSERT_EQ(memory.size(), bytes);
  EXPECT_EQ(
      reinterpret_cast<uintptr_t>(memory.data()) % HugeMemory::kHugePageBytes,
      0U);
  EXPECT_EQ(memory.data()[0], std::byte{0});
  memory.data()[bytes - 1] = std::byte{7};
  EXPECT_EQ(memory.data()[bytes - 1], std::byte{7});
}

TEST(HugeMemory, MovesItsPages) {
  HugeMemory first(100);
  std::byte* const data = first.data();
  HugeMemory second = std::move(first);
  EXPECT_EQ(second.data(), data);
  HugeMemory third;
  third = std::move(second);
  EXPECT_EQ(third.data(), data);
  EXPECT_EQ(third.size(), 100U);
}

TEST(HugeMemory, NothingIsNoMemory) {
  EXPECT_EQ(HugeMemory(0).data(), nullptr);
}

TEST(HugeMemory, RefusesWhatCannotBe) {
  EXPECT_THROW(
      HugeMemory(std::numeric_limits<size_t>::max() - 1), std::bad_alloc);
}

}  // namespace
}  // namespace hadal
