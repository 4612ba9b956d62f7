#include "engine/prefix_cache.h"

#include <gtest/gtest.h>

#include "cache/fake_model.h"

namespace hadal {
namespace {

using testing::feed_in_chunks;
using testing::random_tokens;
using testing::small_layout;
using Tokens = std::vector<int32_t>;

class PrefixCacheTest : public ::testing::Test {
 protected:
  SequenceCache sequence() { return SequenceCache(layout, pool); }
  // Feeds the rest of the tokens and saves the state.
  void save(
      PrefixCache& cache,
      SequenceCache& from,
      const Tokens& tokens,
      PrefixKind kind,
      bool scratch = false) {
    feed_in_chunks(
        from,
        std::span(tokens).subspan(static_cast<size_t>(from.length())),
        500);
    cache.insert(tokens, from.snapshot(), kind, scratch);
  }
  int64_t found(PrefixCache& cache, const Tokens& tokens, bool use = false) {
    return cache.find(tokens, static_cast<int64_t>(tokens.size()), use)
        .length();
  }
  static Tokens head(const Tokens& tokens, int64_t count) {
    return {tokens.begin(), tokens.begin() + count};
  }

  std::shared_ptr<const CacheLayout> layout = small_layout();
  std::shared_ptr<PagePool> pool = std::make_shared<PagePool>(64 << 20);
};

TEST_F(PrefixCacheTest, SharedPagesCountOnceAndRunningOnesNotAtAll) {
  PrefixCache cache(1 << 20);
  const Tokens tokens = random_tokens(1, 1024);
  {
    SequenceCache one = sequence();
    save(cache, one, head(tokens, 512), PrefixKind::periodic);
    const int64_t first = cache.ledger().held_bytes();
    save(cache, one, tokens, PrefixKind::turn_end);
    // Rings twice; of the pages only those beyond 512 tokens.
    EXPECT_LT(cache.ledger().held_bytes(), 2 * first + first / 2);
    // The sequence holds the pages, too: what would come free are rings, and
    // the half-full page of ratio-128 rows that the sequence copied to go on.
    const int64_t rings = cache.find(tokens, 1024, false).state->own_bytes() +
                          cache.find(tokens, 512, false).state->own_bytes();
    const int64_t page = PagePool::block_bytes(
        layout->rows_per_page * layout->layers[2].main->row.row_bytes());
    EXPECT_EQ(cache.ledger().exclusive_bytes(), rings + page);
  }
  EXPECT_EQ(cache.ledger().exclusive_bytes(), cache.ledger().held_bytes());
  EXPECT_EQ(cache.ledger().held_bytes(), pool->used_bytes());
  EXPECT_TRUE(cache.evict());
  EXPECT_EQ(cache.ledger().held_bytes(), pool->used_bytes());
  EXPECT_TRUE(cache.evict());
  EXPECT_FALSE(cache.evict());
  EXPECT_EQ(pool->used_bytes(), 0);
  EXPECT_EQ(cache.evicted(), 2U);
}

TEST_F(PrefixCacheTest, TheOlderOfTwoEqualConversationsGoesFirst) {
  PrefixCache cache(1 << 20);
  const Tokens a = random_tokens(1, 600);
  const Tokens b = random_tokens(2, 600);
  for (const Tokens* tokens : {&a, &b}) {
    found(cache, *tokens, true);
    SequenceCache one = sequence();
    save(cache, one, *tokens, PrefixKind::turn_end);
  }
  for (int i = 0; i < 3; ++i)
    found(cache, a, true);
  cache.evict();
  EXPECT_EQ(found(cache, a), 600);
  EXPECT_EQ(found(cache, b), 0);
}

TEST_F(PrefixCacheTest, WhatCostsMoreToComputeStaysLonger) {
  PrefixCache cache(1 << 20);
  const Tokens tokens = random_tokens(1, 2000);
  SequenceCache one = sequence();
  save(cache, one, head(tokens, 1950), PrefixKind::turn_end);
  save(cache, one, tokens, PrefixKind::turn_end);
  const Tokens other = random_tokens(2, 1900);
  SequenceCache two = sequence();
  save(cache, two, other, PrefixKind::turn_end);
  // 50 tokens behind a saved state are the cheapest.
  cache.evict();
  EXPECT_EQ(found(cache, tokens), 1950);
  EXPECT_EQ(found(cache, other), 1900);
}

TEST_F(PrefixCacheTest, ASystemTextInUseStays) {
  PrefixCache cache(1 << 20);
  const Tokens system = random_tokens(1, 400);
  SequenceCache one = sequence();
  save(cache, one, system, PrefixKind::branch);
  for (uint64_t seed = 2; seed < 12; ++seed) {
    Tokens tokens = system;
    const Tokens more = random_tokens(seed, 300);
    tokens.insert(tokens.end(), more.begin(), more.end());
    EXPECT_EQ(found(cache, tokens, true), 400);
    SequenceCache fork = one.fork();
    save(cache, fork, tokens, PrefixKind::turn_end);
  }
  while (cache.count() > 1)
    cache.evict();
  EXPECT_EQ(found(cache, system), 400);
}

TEST_F(PrefixCacheTest, SideRequestsGoFirstAndHaveALimit) {
  const Tokens main = random_tokens(1, 3000);
  SequenceCache one = sequence();
  const Tokens side = random_tokens(100, 300);
  SequenceCache two = sequence();
  {
    PrefixCache cache(1 << 20);
    save(cache, one, main, PrefixKind::periodic);
    save(cache, two, side, PrefixKind::turn_end, true);
    cache.evict();
    EXPECT_EQ(found(cache, main), 3000);
    EXPECT_EQ(found(cache, side), 0);
  }
  const int64_t limit = 3 * layout->bytes(300);
  PrefixCache cache(limit);
  cache.insert(main, one.snapshot(), PrefixKind::turn_end, false);
  const int64_t of_main = cache.ledger().held_bytes();
  for (uint64_t seed = 100; seed < 120; ++seed) {
    found(cache, side, true);
    SequenceCache three = sequence();
    save(cache, three, random_tokens(seed, 300), PrefixKind::turn_end, true);
    EXPECT_LE(cache.ledger().held_bytes() - of_main, limit);
  }
  EXPECT_GE(cache.count(), 3);
  EXPECT_EQ(found(cache, random_tokens(119, 300)), 300);
  EXPECT_EQ(found(cache, main), 3000);
}

TEST_F(PrefixCacheTest, AWrongStateIsDropped) {
  PrefixCache cache(1 << 20);
  const Tokens tokens = random_tokens(1, 600);
  SequenceCache one = sequence();
  save(cache, one, head(tokens, 300), PrefixKind::branch);
  save(cache, one, tokens, PrefixKind::turn_end);
  cache.drop(cache.find(tokens, 600, false).state.get());
  EXPECT_EQ(found(cache, tokens), 300);
  EXPECT_TRUE(cache.touch(head(tokens, 300), PrefixKind::branch, false));
  EXPECT_FALSE(cache.touch(tokens, PrefixKind::branch, false));
  cache.clear();
  EXPECT_EQ(cache.ledger().held_bytes(), 0);
  EXPECT_EQ(cache.count(), 0);
}

}  // namespace
}  // namespace hadal
