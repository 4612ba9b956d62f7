#include "cache/sequence_cache.h"

#include <gtest/gtest.h>

#include <vector>

#include "cache/fake_model.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using testing::feed;
using testing::feed_in_chunks;
using testing::Outputs;
using testing::outputs_without_cache;
using testing::PassFailed;
using testing::random_tokens;
using testing::small_layout;
using testing::Step;

std::shared_ptr<PagePool> make_pool(int64_t budget = int64_t{1} << 30) {
  return std::make_shared<PagePool>(budget);
}

std::span<const int32_t> part(
    const std::vector<int32_t>& tokens, int64_t from, int64_t to) {
  return std::span(tokens).subspan(
      static_cast<size_t>(from), static_cast<size_t>(to - from));
}

Outputs part(const Outputs& outputs, int64_t from, int64_t to) {
  return {outputs.begin() + from, outputs.begin() + to};
}

struct SequenceCacheTest : ::testing::Test {
  std::shared_ptr<const CacheLayout> layout = small_layout();
  std::shared_ptr<PagePool> pool = make_pool();
  std::vector<int32_t> tokens = random_tokens(1, 700);
  Outputs expected = outputs_without_cache(*layout, tokens);
};

TEST_F(SequenceCacheTest, AnyChunkingGivesTheSame) {
  for (const int64_t chunk : {1, 3, 4, 5, 127, 128, 129, 300, 700}) {
    SequenceCache cache(layout, pool);
    EXPECT_EQ(feed_in_chunks(cache, tokens, chunk), expected) << chunk;
    EXPECT_EQ(cache.length(), 700);
  }
}

TEST_F(SequenceCacheTest, AnyLayoutGivesTheSame) {
  for (const CacheOptions& options : {
           CacheOptions{.rewind_tokens = 0, .rows_per_page = 1},
           CacheOptions{.rewind_tokens = 1, .rows_per_page = 2},
           CacheOptions{.kv_fp8 = false, .rewind_tokens = 500},
           CacheOptions{.index_fp4 = false, .rows_per_page = 4096},
       }) {
    const auto other = small_layout(options);
    SequenceCache cache(other, pool);
    EXPECT_EQ(
        feed_in_chunks(cache, tokens, 61),
        outputs_without_cache(*other, tokens));
  }
}

TEST_F(SequenceCacheTest, MemoryIsWhatTheLayoutSays) {
  for (const int64_t length : {1, 4, 127, 128, 256, 257, 700}) {
    SequenceCache cache(layout, pool);
    EXPECT_EQ(pool->used_bytes(), 0);
    feed(cache, part(tokens, 0, length));
    EXPECT_EQ(pool->used_bytes(), layout->bytes(length));
  }
  EXPECT_EQ(layout->bytes(0), 0);
}

TEST_F(SequenceCacheTest, NothingLeaksIntoANewSequence) {
  // Recycled pages and reset caches are full of another sequence's rows.
  SequenceCache cache(layout, pool);
  for (const int64_t length : {700, 1, 2, 3, 4, 5, 100, 129}) {
    const auto other = random_tokens(static_cast<uint64_t>(length), length);
    EXPECT_EQ(feed(cache, other), outputs_without_cache(*layout, other));
    cache.reset();
    EXPECT_EQ(cache.length(), 0);
    SequenceCache fresh(layout, pool);
    EXPECT_EQ(feed(fresh, other), outputs_without_cache(*layout, other));
  }
}

TEST_F(SequenceCacheTest, RewindWithinReachIsExact) {
  for (const int64_t reach : {0, 1, 4, 8, 200}) {
    const auto rewindable =
        small_layout({.storage = CacheStorage::exact, .rewind_tokens = reach});
    for (const int64_t length : {9, 130, 259, 385, 512}) {
      SequenceCache source(rewindable, pool);
      feed_in_chunks(source, part(tokens, 0, length), 50);
      for (int64_t back = 0; back <= std::min(reach, length); ++back) {
        SequenceCache cache = source.fork();
        EXPECT_LE(cache.rewind_floor(), length - back);
        ASSERT_TRUE(cache.rewind(length - back));
        EXPECT_EQ(cache.length(), length - back);
        EXPECT_EQ(
            feed_in_chunks(cache, part(tokens, length - back, 700), 97),
            part(expected, length - back, 700))
            << "reach " << reach << " length " << length << " back " << back;
      }
    }
  }
}

TEST_F(SequenceCacheTest, RewindIntoAnotherContinuation) {
  SequenceCache cache(layout, pool);
  feed(cache, part(tokens, 0, 300));
  ASSERT_TRUE(cache.rewind(294));
  std::vector<int32_t> other(tokens.begin(), tokens.begin() + 294);
  const auto tail = random_tokens(7, 200);
  other.insert(other.end(), tail.begin(), tail.end());
  EXPECT_EQ(
      feed_in_chunks(cache, tail, 3),
      part(outputs_without_cache(*layout, other), 294, 494));
}

TEST_F(SequenceCacheTest, RewindBeyondReachChangesNothing) {
  SequenceCache cache(layout, pool);
  feed(cache, part(tokens, 0, 400));
  const int64_t floor = cache.rewind_floor();
  EXPECT_GE(400 - floor, 8);
  for (const int64_t to : {int64_t{1}, int64_t{128}, floor - 1})
    EXPECT_FALSE(cache.rewind(to));
  EXPECT_EQ(cache.length(), 400);
  // Going back uses the reach up; feeding gives it back.
  ASSERT_TRUE(cache.rewind(floor));
  EXPECT_EQ(cache.rewind_floor(), floor);
  EXPECT_EQ(feed(cache, part(tokens, floor, 500)), part(expected, floor, 500));
  EXPECT_EQ(cache.rewind_floor(), floor + 500 - 400);
}

TEST_F(SequenceCacheTest, TheBeginningIsAlwaysWithinReach) {
  SequenceCache cache(layout, pool);
  for (const int64_t length : {1, 3, 8, 9, 127, 500}) {
    feed(cache, part(tokens, 0, length));
    EXPECT_LE(cache.rewind_floor(), std::max<int64_t>(0, length - 8));
    ASSERT_TRUE(cache.rewind(0));
  }
  EXPECT_EQ(feed(cache, tokens), expected);
}

TEST_F(SequenceCacheTest, ForksPartWithoutTouchingEachOther) {
  for (const int64_t at : {1, 5, 127, 128, 250, 256, 300}) {
    SequenceCache a(layout, pool);
    feed_in_chunks(a, part(tokens, 0, at), 33);
    SequenceCache b = a.fork();
    SequenceCache c = b.fork();
    std::vector<int32_t> other(tokens.begin(), tokens.begin() + at);
    const auto tail = random_tokens(3, 400);
    other.insert(other.end(), tail.begin(), tail.end());
    const Outputs expected_b = outputs_without_cache(*layout, other);
    // In turns, so that each would see what the other wrote last.
    for (int64_t i = 0; i < 400; i += 10) {
      EXPECT_EQ(
          feed(b, part(tail, i, i + 10)),
          part(expected_b, at + i, at + i + 10));
      EXPECT_EQ(
          feed(a, part(tokens, at + i, at + i + 10)),
          part(expected, at + i, at + i + 10));
    }
    EXPECT_EQ(c.length(), at);
    EXPECT_EQ(feed(c, part(tokens, at, 700)), part(expected, at, 700));
  }
}

TEST_F(SequenceCacheTest, AForkCostsNoMemoryUntilItIsFed) {
  SequenceCache a(layout, pool);
  feed(a, part(tokens, 0, 600));
  const int64_t before = pool->used_bytes();
  SequenceCache b = a.fork();
  EXPECT_EQ(pool->used_bytes(), before);
  feed(b, part(tokens, 600, 601));
  // Rings are copied, full pages stay shared.
  EXPECT_LT(pool->used_bytes(), before + layout->bytes(600));
  EXPECT_GE(pool->used_bytes(), before + layout->fixed_bytes() / 2);
}

TEST_F(SequenceCacheTest, SnapshotsContinueExactly) {
  for (const int64_t length : {0, 1, 4, 127, 128, 129, 256, 300, 384}) {
    SequenceCache source(layout, pool);
    if (length > 0)
      feed_in_chunks(source, part(tokens, 0, length), 64);
    for (const int64_t reach : {0, 5, 8, 1000}) {
      const Snapshot snapshot = source.snapshot(length, reach);
      EXPECT_EQ(snapshot.length(), length);
      EXPECT_LE(
          snapshot.floor(), std::max(source.rewind_floor(), length - reach));
      for (int64_t to = length; to >= snapshot.floor(); --to) {
        SequenceCache cache(snapshot);
        EXPECT_EQ(cache.rewind_floor(), snapshot.floor());
        ASSERT_TRUE(cache.rewind(to));
        EXPECT_EQ(
            feed_in_chunks(cache, part(tokens, to, 700), 131),
            part(expected, to, 700));
      }
      SequenceCache cache(snapshot);
      if (snapshot.floor() > 0) {
        EXPECT_FALSE(cache.rewind(snapshot.floor() - 1));
      }
    }
  }
}

TEST_F(SequenceCacheTest, ASnapshotOfAnEarlierLength) {
  SequenceCache source(layout, pool);
  feed(source, part(tokens, 0, 390));
  const Snapshot snapshot = source.snapshot(384);
  feed(source, part(tokens, 390, 500));
  SequenceCache cache(snapshot);
  EXPECT_EQ(cache.length(), 384);
  EXPECT_EQ(feed(cache, part(tokens, 384, 700)), part(expected, 384, 700));
}

TEST_F(SequenceCacheTest, AtMultiplesOf128SnapshotsAreMinimal) {
  SequenceCache source(layout, pool);
  feed(source, part(tokens, 0, 512));
  const int64_t row = layout->window_row.row_bytes();
  int64_t bytes = 4 * PagePool::block_bytes(127 * row);
  for (const LayerLayout& layer : layout->layers) {
    if (!layer.indexer)
      continue;  // no tail in a ratio-128 layer
    bytes += 2 * PagePool::block_bytes(4 * layer.main->channels * 4);
    bytes += 2 * PagePool::block_bytes(4 * layer.indexer->channels * 4);
  }
  bytes += PagePool::block_bytes(layout->hidden_width * 4);
  EXPECT_EQ(source.snapshot().own_bytes(), bytes);
}

// --- failures

TEST_F(SequenceCacheTest, AFullPoolLeavesTheSequenceAsItWas) {
  const int64_t budget = layout->bytes(300);
  const auto small_pool = make_pool(budget);
  SequenceCache cache(layout, small_pool);
  feed(cache, part(tokens, 0, 200));
  try {
    feed(cache, part(tokens, 200, 700));
    FAIL() << "expected an Error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource);
  }
  EXPECT_FALSE(cache.in_flight());
  EXPECT_FALSE(cache.poisoned());
  EXPECT_EQ(cache.length(), 200);
  EXPECT_EQ(
      feed_in_chunks(cache, part(tokens, 200, 300), 10),
      part(expected, 200, 300));
  // A fork finds no memory for its rings; the first sequence goes on.
  SequenceCache fork = cache.fork();
  EXPECT_THROW(feed(fork, part(tokens, 300, 301)), Error);
  EXPECT_EQ(fork.length(), 300);
}

TEST_F(SequenceCacheTest, AFailedPassIsForgottenOrPoisons) {
  for (const int64_t count : {1, 4, 8, 9, 60}) {
    for (const Step step :
         {Step::begin,
          Step::rows,
          Step::history,
          Step::attention,
          Step::window,
          Step::hidden}) {
      for (int64_t layer = -1; layer < 4; ++layer) {
        SequenceCache cache(layout, pool);
        feed(cache, part(tokens, 0, 290));
        bool failed = false;
        try {
          feed(cache, part(tokens, 290, 290 + count), [&](Step s, int64_t l) {
            return s == step && l == layer;
          });
        } catch (const PassFailed&) {
          failed = true;
        }
        if (!failed)
          continue;  // that layer has no such step
        EXPECT_FALSE(cache.in_flight());
        EXPECT_EQ(cache.length(), 290);
        const bool before_any_commit =
            layer == 0 && step != Step::window && step != Step::hidden;
        if (count <= layout->rewind_tokens || before_any_commit) {
          ASSERT_FALSE(cache.poisoned()) << count << " layer " << layer;
          EXPECT_EQ(
              feed(cache, part(tokens, 290, 400)), part(expected, 290, 400));
          continue;
        }
        if (!cache.poisoned()) {  // proven intact: then it is exact
          EXPECT_EQ(
              feed(cache, part(tokens, 290, 400)), part(expected, 290, 400));
        }
      }
    }
  }
}

TEST_F(SequenceCacheTest, APoisonedCacheRefusesUse) {
  SequenceCache cache(layout, pool);
  feed(cache, part(tokens, 0, 290));
  EXPECT_THROW(
      feed(
          cache,
          part(tokens, 290, 500),
          [](Step step, int64_t layer) {
            return step == Step::window && layer == 2;
          }),
      PassFailed);
  ASSERT_TRUE(cache.poisoned());
  EXPECT_FALSE(cache.abandon());
  const auto expect_refused = [](const auto& call) {
    try {
      call();
      FAIL() << "expected an Error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::internal);
      EXPECT_NE(
          std::string(error.what()).find("failed midway"), std::string::npos);
    }
  };
  expect_refused([&] { cache.begin(1); });
  expect_refused([&] { (void)cache.fork(); });
  expect_refused([&] { (void)cache.snapshot(290); });
  expect_refused([&] { cache.rewind(290); });
  cache.reset();
  EXPECT_EQ(feed(cache, tokens), expected);
}

TEST_F(SequenceCacheTest, WrongUseOfTheProtocolIsFound) {
  SequenceCache cache(layout, pool);
  const std::vector<std::byte> rows(1000);
  EXPECT_THROW(cache.commit_window(0, 0, 1, rows.data()), Error);
  EXPECT_THROW(cache.begin(0), Error);
  cache.begin(8);
  EXPECT_THROW(cache.begin(8), Error);
  EXPECT_THROW((void)cache.fork(), Error);
  EXPECT_THROW(cache.rewind(0), Error);
  EXPECT_THROW(cache.commit_window(0, 0, 9, rows.data()), Error);
  EXPECT_THROW(cache.commit_window(0, 1, 7, rows.data()), Error);
  cache.commit_window(0, 0, 5, rows.data());  // in pieces
  EXPECT_THROW(cache.commit_window(0, 0, 3, rows.data()), Error);
  EXPECT_THROW(cache.commit_window(0, 5, 4, rows.data()), Error);
  EXPECT_THROW(cache.advance(8), Error);
  cache.commit_window(0, 5, 3, rows.data());
  EXPECT_THROW((void)cache.rows(0, Compressor::main), Error);
  EXPECT_THROW((void)cache.rows(2, Compressor::indexer), Error);
  EXPECT_NE(cache.writable_row(1, Compressor::main, 1), nullptr);
  EXPECT_THROW(cache.writable_row(1, Compressor::main, 2), Error);
  EXPECT_THROW(cache.writable_row(2, Compressor::main, 0), Error);
  EXPECT_THROW(cache.advance(8), Error);  // nothing was committed
  EXPECT_TRUE(cache.abandon());
  EXPECT_TRUE(cache.abandon());
  EXPECT_EQ(feed(cache, tokens), expected);
}

// --- the next-token module

struct MtpTest : SequenceCacheTest {
  int64_t stage_layer = 4;  // after four trunk layers

  // One row a position, whose bytes say which.
  void feed_mtp(SequenceCache& cache, int64_t first, int64_t count) const {
    const int64_t bytes = layout->window_row.row_bytes();
    std::vector<std::byte> rows;
    for (int64_t p = first; p < first + count; ++p)
      rows.insert(
          rows.end(), static_cast<size_t>(bytes), static_cast<std::byte>(p));
    cache.commit_window(stage_layer, first, count, rows.data());
  }

  void expect_mtp(const SequenceCache& cache, int64_t length) const {
    EXPECT_EQ(cache.mtp_length(0), length);
    SparseAttentionParams params;
    cache.fill(stage_layer, params);
    EXPECT_EQ(params.ratio, 0);
    const int64_t bytes = layout->window_row.row_bytes();
    for (int64_t p = layout->window_start(length); p < length; ++p) {
      EXPECT_EQ(
          params.ring[p % params.ring_capacity * bytes],
          static_cast<std::byte>(p));
    }
  }
};

TEST_F(MtpTest, HasItsOwnLength) {
  SequenceCache cache(layout, pool);
  feed(cache, part(tokens, 0, 300));
  EXPECT_EQ(cache.mtp_length(0), 0);
  feed_mtp(cache, 0, 250);
  feed_mtp(cache, 250, 49);
  expect_mtp(cache, 299);
  feed_mtp(cache, 299, 3);  // drafts
  expect_mtp(cache, 302);
  ASSERT_TRUE(cache.rewind_mtp(0, 299));
  expect_mtp(cache, 299);
  EXPECT_FALSE(cache.rewind_mtp(0, 100));
  EXPECT_THROW(feed_mtp(cache, 310, 1), Error);
}

TEST_F(MtpTest, GoesBackWithTheTrunk) {
  SequenceCache cache(layout, pool);
  feed(cache, part(tokens, 0, 300));
  feed_mtp(cache, 0, 299 + 8);  // as many drafts as the reach
  for (int64_t back = 1; back <= 8; ++back) {
    SequenceCache cut = cache.fork();
    ASSERT_TRUE(cut.rewind(300 - back));
    expect_mtp(cut, 299 - back);
    feed_mtp(cut, 299 - back, 20);
    expect_mtp(cut, 319 - back);
  }
  // A stage that lags behind is not cut.
  SequenceCache lagging(layout, pool);
  feed(lagging, part(tokens, 0, 300));
  feed_mtp(lagging, 0, 200);
  ASSERT_TRUE(lagging.rewind(295));
  expect_mtp(lagging, 200);
}

TEST_F(MtpTest, SnapshotsKeepIt) {
  SequenceCache cache(layout, pool);
  feed(cache, part(tokens, 0, 300));
  feed_mtp(cache, 0, 299);
  const Snapshot snapshot = cache.snapshot(300, 4);
  SequenceCache restored(snapshot);
  expect_mtp(restored, 299);
  ASSERT_TRUE(restored.rewind(296));
  expect_mtp(restored, 295);
}

TEST_F(MtpTest, HiddenStatesOfTheLastPositions) {
  SequenceCache cache(layout, pool);
  EXPECT_EQ(cache.hidden(0), nullptr);
  feed(cache, part(tokens, 0, 300));
  EXPECT_EQ(cache.hidden(300), nullptr);
  EXPECT_EQ(cache.hidden(290), nullptr);
  const std::vector<float> row(
      cache.hidden(295), cache.hidden(295) + layout->hidden_width);
  ASSERT_TRUE(cache.rewind(296));
  EXPECT_EQ(cache.hidden(296), nullptr);
  SequenceCache other(layout, pool);
  feed_in_chunks(other, part(tokens, 0, 296), 5);
  EXPECT_EQ(
      std::vector<float>(
          other.hidden(295), other.hidden(295) + layout->hidden_width),
      row);
}

}  // namespace
}  // namespace hadal
