#include "cache/timeline.h"

#include <gtest/gtest.h>

#include <vector>

#include "cache/fake_model.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using testing::Outputs;
using testing::outputs_without_cache;
using testing::random_tokens;
using testing::small_layout;

std::shared_ptr<PagePool> make_pool(int64_t budget = int64_t{1} << 30) {
  return std::make_shared<PagePool>(budget);
}

// Feeds as an engine does: chunks end where snapshots are due, and snapshots
// are given up when memory runs out.
Outputs feed(
    Timeline& timeline, std::span<const int32_t> tokens, int64_t chunk) {
  Outputs outputs;
  while (!tokens.empty()) {
    const int64_t most = std::min(chunk, timeline.tokens_until_snapshot());
    const auto now =
        tokens.first(std::min(tokens.size(), static_cast<size_t>(most)));
    Outputs some;
    try {
      some = testing::feed(timeline.cache(), now);
    } catch (const Error& error) {
      if (error.code() != ErrorCode::resource || !timeline.release_snapshot())
        throw;
      continue;
    }
    timeline.append(now);
    outputs.insert(outputs.end(), some.begin(), some.end());
    tokens = tokens.subspan(now.size());
  }
  return outputs;
}

std::vector<int64_t> lengths(const Timeline& timeline) {
  std::vector<int64_t> result;
  for (const Snapshot& snapshot : timeline.snapshots())
    result.push_back(snapshot.length());
  return result;
}

struct TimelineTest : ::testing::Test {
  std::shared_ptr<const CacheLayout> layout = small_layout();
  std::vector<int32_t> tokens = random_tokens(1, 1500);
  Outputs expected = outputs_without_cache(*layout, tokens);
  TimelineOptions every_128 = {.snapshot_tokens = 128, .max_snapshots = 100};
};

TEST_F(TimelineTest, GoesBackToAnyLength) {
  Timeline source(layout, make_pool(), every_128);
  feed(source, std::span(tokens).first(1000), 200);
  EXPECT_EQ(
      lengths(source),
      (std::vector<int64_t>{128, 256, 384, 512, 640, 768, 896}));
  for (const int64_t to :
       {1000,
        999,
        992,
        991,
        897,
        896,
        895,
        700,
        640,
        639,
        513,
        300,
        129,
        128,
        127,
        1,
        0}) {
    Timeline timeline = source.fork();
    const int64_t reached = timeline.rewind_to(to);
    EXPECT_LE(reached, to);
    EXPECT_EQ(reached, to >= 992 ? to : to - to % 128);
    EXPECT_EQ(timeline.length(), reached);
    EXPECT_EQ(timeline.cache().length(), reached);
    const auto rest = std::span(tokens).subspan(static_cast<size_t>(reached));
    EXPECT_EQ(
        feed(timeline, rest, 50),
        Outputs(expected.begin() + reached, expected.end()));
  }
  EXPECT_EQ(source.length(), 1000);
}

TEST_F(TimelineTest, TokensThatWereCutAreGone) {
  Timeline timeline(layout, make_pool(), every_128);
  feed(timeline, std::span(tokens).first(600), 77);
  EXPECT_EQ(timeline.common_prefix(tokens), 600);
  EXPECT_EQ(timeline.common_prefix(std::span(tokens).first(10)), 10);
  std::vector<int32_t> other = tokens;
  other[411] += 1;
  EXPECT_EQ(timeline.common_prefix(other), 411);
  const int64_t reached = timeline.rewind_to(411);
  EXPECT_EQ(reached, 384);
  EXPECT_EQ(lengths(timeline), (std::vector<int64_t>{128, 256, 384}));
  EXPECT_EQ(timeline.common_prefix(other), 384);
  const Outputs now = outputs_without_cache(*layout, other);
  EXPECT_EQ(
      feed(timeline, std::span(other).subspan(384), 128),
      Outputs(now.begin() + 384, now.end()));
}

TEST_F(TimelineTest, SnapshotsComeFromAnyChunksThatAllowThem) {
  // Longer chunks skip what they pass by more than the reach.
  Timeline skipping(layout, make_pool(), every_128);
  testing::feed(skipping.cache(), std::span(tokens).first(300));
  skipping.append(std::span(tokens).first(300));
  EXPECT_EQ(lengths(skipping), (std::vector<int64_t>{}));
  EXPECT_EQ(skipping.tokens_until_snapshot(), 384 - 300);
  EXPECT_EQ(skipping.tokens_until_snapshot(83), 384 - 300);
  EXPECT_EQ(skipping.tokens_until_snapshot(84 + 127), 384 - 300);
  EXPECT_EQ(skipping.tokens_until_snapshot(84 + 128), 512 - 300);
  EXPECT_EQ(skipping.tokens_until_snapshot(1000), 1280 - 300);
  // A multiple that lies within the reach is still taken.
  testing::feed(skipping.cache(), std::span(tokens).subspan(300, 87));
  skipping.append(std::span(tokens).subspan(300, 87));
  EXPECT_EQ(lengths(skipping), (std::vector<int64_t>{384}));
  EXPECT_EQ(skipping.rewind_to(385), 385);
  EXPECT_EQ(skipping.rewind_to(384), 384);
  EXPECT_EQ(skipping.rewind_to(200), 0);
}

TEST_F(TimelineTest, ThinsOutTowardsThePast) {
  Timeline timeline(
      layout, make_pool(), {.snapshot_tokens = 128, .max_snapshots = 5});
  const auto many = random_tokens(2, 128 * 40);
  feed(timeline, many, 128);
  const std::vector<int64_t> kept = lengths(timeline);
  ASSERT_EQ(kept.size(), 5U);
  EXPECT_EQ(kept.back(), 128 * 40);
  // The distance to an earlier snapshot stays in proportion to the distance
  // from the end.
  int64_t before = 0;
  for (const int64_t at : kept) {
    EXPECT_LE(at - before, 2 * (128 * 40 - at) + 2 * 128) << at;
    before = at;
  }
}

TEST_F(TimelineTest, NoSnapshotsAtAll) {
  Timeline timeline(
      layout, make_pool(), {.snapshot_tokens = 128, .max_snapshots = 0});
  feed(timeline, std::span(tokens).first(400), 128);
  EXPECT_TRUE(timeline.snapshots().empty());
  EXPECT_FALSE(timeline.release_snapshot());
  EXPECT_EQ(timeline.rewind_to(300), 0);
}

TEST_F(TimelineTest, SnapshotsGiveWayToTheSequence) {
  // Room for the sequence and two snapshots or so.
  SequenceCache probe(layout, make_pool());
  testing::feed(probe, std::span(tokens).first(128));
  const int64_t snapshot_bytes = probe.snapshot().own_bytes();
  const auto pool = make_pool(layout->bytes(1501) + 5 * snapshot_bytes / 2);
  Timeline timeline(layout, pool, every_128);
  EXPECT_EQ(feed(timeline, tokens, 128), expected);
  EXPECT_LE(timeline.snapshots().size(), 3U);
  while (timeline.release_snapshot()) {
  }
  EXPECT_EQ(feed(timeline, random_tokens(4, 1), 1).size(), 1U);
}

TEST_F(TimelineTest, RecoversFromAFailedPass) {
  Timeline timeline(layout, make_pool(), every_128);
  feed(timeline, std::span(tokens).first(500), 128);
  EXPECT_THROW(
      testing::feed(
          timeline.cache(),
          std::span(tokens).subspan(500, 200),
          [](testing::Step step, int64_t layer) {
            return step == testing::Step::window && layer == 1;
          }),
      testing::PassFailed);
  ASSERT_TRUE(timeline.cache().poisoned());
  EXPECT_EQ(timeline.length(), 500);
  EXPECT_EQ(timeline.rewind_to(500), 384);
  EXPECT_EQ(
      feed(timeline, std::span(tokens).subspan(384), 128),
      Outputs(expected.begin() + 384, expected.end()));
}

TEST_F(TimelineTest, ContinuesASavedSequence) {
  Timeline first(layout, make_pool(), every_128);
  feed(first, std::span(tokens).first(300), 128);
  const Snapshot saved = first.cache().snapshot(300, 8);
  Timeline second(
      std::vector<int32_t>(tokens.begin(), tokens.begin() + 300),
      saved,
      every_128);
  EXPECT_EQ(second.rewind_to(295), 295);
  EXPECT_EQ(
      feed(second, std::span(tokens).subspan(295), 100),
      Outputs(expected.begin() + 295, expected.end()));
}

TEST_F(TimelineTest, RefusesOptionsOutOfRange) {
  EXPECT_THROW(Timeline(layout, make_pool(), {.snapshot_tokens = 100}), Error);
  EXPECT_THROW(Timeline(layout, make_pool(), {.snapshot_tokens = 0}), Error);
  EXPECT_THROW(Timeline(layout, make_pool(), {.max_snapshots = -1}), Error);
}

}  // namespace
}  // namespace hadal
