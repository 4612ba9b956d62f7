#include "cache/page_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <utility>
#include <vector>

#include "hadal/error.h"

namespace hadal {
namespace {

TEST(PagePool, BlocksAreAlignedSharedAndRecycled) {
  PagePool pool(1 << 20);
  PageRef a = pool.allocate(1000);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(a.data()) % 64, 0U);
  EXPECT_EQ(a.bytes(), 1000);
  EXPECT_TRUE(a.unique());
  EXPECT_EQ(pool.used_bytes(), PagePool::block_bytes(1000));

  PageRef b = a;
  EXPECT_FALSE(a.unique());
  EXPECT_EQ(b.data(), a.data());
  std::byte* const memory = a.data();
  a = PageRef();
  EXPECT_TRUE(b.unique());
  EXPECT_EQ(pool.idle_bytes(), 0);
  b = PageRef();
  EXPECT_EQ(pool.used_bytes(), 0);
  EXPECT_EQ(pool.idle_bytes(), PagePool::block_bytes(1000));

  const PageRef other_size = pool.allocate(2000);
  EXPECT_NE(other_size.data(), memory);
  const PageRef again = pool.allocate(1000);
  EXPECT_EQ(again.data(), memory);
  EXPECT_EQ(pool.idle_bytes(), 0);
}

TEST(PagePool, MovedFromReferencesAreEmpty) {
  PagePool pool(1 << 20);
  PageRef a = pool.allocate(64);
  PageRef b = std::move(a);
  EXPECT_FALSE(static_cast<bool>(a));  // NOLINT: that is the point
  EXPECT_TRUE(b.unique());
  PageRef& self = b;
  b = self;
  EXPECT_TRUE(b.unique());
  EXPECT_EQ(PageRef().bytes(), 0);
  EXPECT_FALSE(PageRef().unique());
}

TEST(PagePool, TheBudgetIsALimit) {
  PagePool pool(3 * PagePool::block_bytes(100));
  const PageRef a = pool.allocate(100);
  const PageRef b = pool.allocate(100);
  PageRef c = pool.allocate(100);
  try {
    pool.allocate(1);
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource);
    EXPECT_NE(
        std::string(error.what())
            .find("576 of 576 bytes are in use and 128 more are needed"),
        std::string::npos)
        << error.what();
  }
  EXPECT_EQ(pool.used_bytes(), 3 * PagePool::block_bytes(100));
  // Idle blocks of another size make room.
  c = PageRef();
  EXPECT_EQ(pool.idle_bytes(), PagePool::block_bytes(100));
  const PageRef d = pool.allocate(1);
  EXPECT_EQ(pool.idle_bytes(), 0);
}

// Blocks of a size that comes often lie side by side; nothing else changes.
TEST(PagePool, ManyBlocksOfOneSize) {
  PagePool pool(int64_t{1} << 30);
  constexpr int64_t kBytes = 37000;
  constexpr int64_t kCount = 400;
  for (int round = 0; round < 3; ++round) {
    std::vector<PageRef> blocks;
    std::set<std::byte*> places;
    for (int64_t i = 0; i < kCount; ++i) {
      blocks.push_back(pool.allocate(kBytes));
      std::byte* const data = blocks.back().data();
      EXPECT_EQ(reinterpret_cast<uintptr_t>(data) % 64, 0U);
      std::memset(data, static_cast<int>(i % 250), kBytes);
      places.insert(data);
    }
    EXPECT_EQ(places.size(), static_cast<size_t>(kCount));
    EXPECT_EQ(pool.used_bytes(), kCount * PagePool::block_bytes(kBytes));
    for (int64_t i = 0; i < kCount; ++i) {
      const PageRef& block = blocks[static_cast<size_t>(i)];
      ASSERT_EQ(block.data()[0], static_cast<std::byte>(i % 250));
      ASSERT_EQ(block.data()[kBytes - 1], static_cast<std::byte>(i % 250));
    }
    // Every third stays while the others go.
    for (int64_t i = 0; i < kCount; ++i)
      if (i % 3 != 0)
        blocks[static_cast<size_t>(i)] = PageRef();
    pool.trim();
    EXPECT_EQ(pool.idle_bytes(), 0);
    for (int64_t i = 0; i < kCount; i += 3)
      ASSERT_EQ(
          blocks[static_cast<size_t>(i)].data()[kBytes - 1],
          static_cast<std::byte>(i % 250));
    blocks.clear();
    if (round == 1)
      pool.trim();
  }
  EXPECT_EQ(pool.used_bytes(), 0);
}

TEST(PagePool, LargeBlocksAreNotKept) {
  PagePool pool(int64_t{1} << 30);
  pool.allocate((1 << 20) + 1);
  EXPECT_EQ(pool.used_bytes(), 0);
  EXPECT_EQ(pool.idle_bytes(), 0);
  pool.allocate(1 << 20);
  EXPECT_EQ(pool.idle_bytes(), PagePool::block_bytes(1 << 20));
  pool.trim();
  EXPECT_EQ(pool.idle_bytes(), 0);
}

TEST(PagePool, AnImpossibleBlockIsRefused) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer ends the program at such an allocation";
#endif
  PagePool pool(INT64_MAX);
  try {
    pool.allocate(int64_t{1} << 60);
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource);
  }
  EXPECT_EQ(pool.used_bytes(), 0);
}

}  // namespace
}  // namespace hadal
