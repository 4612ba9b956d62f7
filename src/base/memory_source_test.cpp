#include "base/memory_source.h"

#include <gtest/gtest.h>

#include <cstring>

namespace hadal {
namespace {

TEST(MemorySource, SmallAndLargeBlocksAreAlignedAndComeBack) {
  for (const size_t bytes : {size_t{1}, size_t{100}, size_t{5} << 20}) {
    std::byte* const data = host_memory().allocate(bytes);
    ASSERT_NE(data, nullptr);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0U);
    std::memset(data, 1, bytes);
    host_memory().release(data, bytes);
  }
}

struct Counting : MemorySource {
  std::byte* allocate(size_t bytes) noexcept override {
    if (bytes > limit)
      return nullptr;
    held += bytes;
    return host_memory().allocate(bytes);
  }
  void release(std::byte* data, size_t bytes) noexcept override {
    held -= bytes;
    host_memory().release(data, bytes);
  }
  size_t held = 0;
  size_t limit = 1'000'000;
};

TEST(SourcedBuffer, GrowsAndGivesBackJustWhatItTook) {
  Counting source;
  {
    SourcedBuffer<float> buffer(source);
    EXPECT_EQ(buffer.data(), nullptr);
    buffer.reserve(10)[9] = 1;
    EXPECT_EQ(source.held, 64U);
    EXPECT_EQ(buffer.reserve(5), buffer.data());
    buffer.reserve(1'000);
    EXPECT_EQ(source.held, 4'032U);
    EXPECT_THROW(buffer.reserve(1'000'000), std::bad_alloc);
    EXPECT_EQ(buffer.capacity(), 0);
    buffer.reserve(1);
  }
  EXPECT_EQ(source.held, 0U);
}

}  // namespace
}  // namespace hadal
