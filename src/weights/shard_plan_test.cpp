#include "weights/shard_plan.h"

#include <gtest/gtest.h>

#include "hadal/error.h"

namespace hadal {
namespace {

ModelConfig flash_like() {
  ModelConfig config;
  config.hidden_size = 4096;
  config.num_attention_heads = 64;
  config.o_groups = 8;
  config.n_routed_experts = 256;
  config.n_shared_experts = 1;
  config.moe_intermediate_size = 2048;
  config.vocab_size = 129'280;
  return config;
}

// The ranges follow one another and cover everything.
template <class Get>
void expect_cover(const ShardPlan& plan, int64_t total, const Get& get) {
  int64_t next = 0;
  for (const Shard& shard : plan.ranks) {
    EXPECT_EQ(get(shard).first, next);
    EXPECT_GE(get(shard).count, 0);
    next = get(shard).end();
  }
  EXPECT_EQ(next, total);
}

TEST(ShardPlan, CoversEverythingOnce) {
  const ModelConfig config = flash_like();
  for (const int64_t ranks : {1, 2, 4, 8}) {
    const ShardPlan plan = make_shard_plan(config, ranks);
    ASSERT_EQ(plan.ranks.size(), static_cast<size_t>(ranks));
    expect_cover(plan, 64, [](const Shard& one) { return one.heads; });
    expect_cover(plan, 8, [](const Shard& one) { return one.groups; });
    expect_cover(plan, 256, [](const Shard& one) { return one.experts; });
    expect_cover(plan, 2048, [](const Shard& one) { return one.inner; });
    expect_cover(
        plan, 129'280, [](const Shard& one) { return one.vocabulary; });
  }
}

TEST(ShardPlan, CutsScalesBlocksNowhereAndSharesEvenly) {
  ModelConfig config = flash_like();
  config.n_routed_experts = 6;
  const ShardPlan plan = make_shard_plan(config, 4);
  EXPECT_EQ(plan.ranks[0].experts.count, 2);
  EXPECT_EQ(plan.ranks[3].experts.count, 1);
  for (const Shard& shard : plan.ranks) {
    EXPECT_EQ(shard.inner.first % 128, 0);
    EXPECT_EQ(shard.vocabulary.first % 128, 0);
    EXPECT_EQ(shard.heads.count, 16);
  }
}

TEST(ShardPlan, SaysWhatTheRanksTellEachOther) {
  EXPECT_TRUE(make_shard_plan(flash_like(), 1).layer.empty());
  const ShardPlan plan = make_shard_plan(flash_like(), 2);
  ASSERT_EQ(plan.layer.size(), 2U);
  for (const ShardMessage& message : plan.layer) {
    EXPECT_EQ(message.collective, Collective::sum);
    EXPECT_EQ(message.floats_per_token, 4096);
  }
  EXPECT_EQ(plan.head.collective, Collective::gather);
}

TEST(ShardPlan, RefusesWhatCannotBeShared) {
  EXPECT_THROW(make_shard_plan(flash_like(), 0), Error);
  EXPECT_THROW(make_shard_plan(flash_like(), 3), Error);
  EXPECT_THROW(make_shard_plan(flash_like(), 16), Error);
}

}  // namespace
}  // namespace hadal
