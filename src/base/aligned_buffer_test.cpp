#include "base/aligned_buffer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>

namespace hadal {
namespace {

TEST(AlignedBuffer, GrowsAndNeverShrinks) {
  AlignedBuffer<float> buffer;
  EXPECT_EQ(buffer.data(), nullptr);
  float* const small = buffer.reserve(100);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(small) % 64, 0);
  EXPECT_EQ(buffer.reserve(50), small);
  EXPECT_EQ(buffer.capacity(), 100);
  std::fill_n(small, 100, 1.0F);

  // From a huge page on, in huge pages.
  constexpr int64_t kFloats = HugeMemory::kHugePageBytes / sizeof(float);
  float* const large = buffer.reserve(kFloats);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(large) % HugeMemory::kHugePageBytes, 0);
  std::fill_n(large, kFloats, 2.0F);
  EXPECT_EQ(buffer.reserve(kFloats), large);
  std::fill_n(buffer.reserve(3 * kFloats), 3 * kFloats, 3.0F);
  EXPECT_EQ(buffer.data()[3 * kFloats - 1], 3.0F);
  EXPECT_EQ(buffer.capacity(), 3 * kFloats);
}

}  // namespace
}  // namespace hadal
