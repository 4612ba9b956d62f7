// Cache sizes against spec 4.6 and reference-numbers.md section 4.
#include "weights/memory_plan.h"

#include <gtest/gtest.h>

#include "checkpoint/testing/temporary_directory.h"
#include "kernels/row_format.h"

namespace hadal {
namespace {

// The trunk alone, as the tables count.
ModelConfig trunk_of(const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(HADAL_SOURCE_DIR) /
                                     "tests/data/configs" / (name + ".json");
  ModelConfig config = parse_model_config(testing::read_text(path), name);
  config.num_nextn_predict_layers = 0;
  config.layer_kinds.resize(static_cast<size_t>(config.num_hidden_layers));
  return config;
}

TEST(MemoryPlan, Bf16CacheOfFlash) {
  const ModelConfig config = trunk_of("flash");
  EXPECT_EQ(cache_bytes_per_token(config, CacheFormat::bf16), 6880.0);
  const CacheSize at_1m = cache_size(config, CacheFormat::bf16, 1048576);
  EXPECT_EQ(at_1m.rows, uint64_t{6880} * 1048576);
  EXPECT_EQ(at_1m.rings, 5'636'096U);
  EXPECT_EQ(at_1m.tails, 12'206'080U);
  const CacheSize at_64k = cache_size(config, CacheFormat::bf16, 65536);
  EXPECT_NEAR(
      static_cast<double>(at_64k.rows + at_64k.rings) / 1e6, 456.5, 0.05);
}

TEST(MemoryPlan, Bf16CacheOfPro) {
  const ModelConfig config = trunk_of("pro");
  EXPECT_EQ(cache_bytes_per_token(config, CacheFormat::bf16), 9848.0);
  const CacheSize size = cache_size(config, CacheFormat::bf16, 1048576);
  EXPECT_EQ(size.rings, 7'995'392U);
  EXPECT_EQ(size.tails, 18'710'528U);
  EXPECT_NEAR(static_cast<double>(size.rows + size.rings) / 1e6, 10334.4, 0.05);
}

// The engine's own row sizes: 584 bytes as in the specification, and what
// RowLayout makes of the indexer's 68.
TEST(MemoryPlan, PackedCache) {
  const ModelConfig config = trunk_of("flash");
  const RowLayout index{RowFormat::fp4, 128, 64};
  const double expected =
      21 * (584.0 + static_cast<double>(index.row_bytes())) / 4 +
      20 * 584.0 / 128;
  EXPECT_EQ(cache_bytes_per_token(config, CacheFormat::packed), expected);
  EXPECT_EQ(cache_size(config, CacheFormat::packed, 0).rings, 3'214'336U);
  EXPECT_EQ(
      cache_size(trunk_of("pro"), CacheFormat::packed, 0).rings, 4'559'872U);
  EXPECT_EQ(cache_size(config, CacheFormat::packed, 0).rows, 0U);
}

TEST(MemoryPlan, IncompleteWindowsHaveNoRow) {
  const ModelConfig config = trunk_of("flash");
  EXPECT_EQ(cache_size(config, CacheFormat::bf16, 3).rows, 0U);
  EXPECT_EQ(cache_size(config, CacheFormat::bf16, 4).rows, 21U * 1280U);
  EXPECT_EQ(
      cache_size(config, CacheFormat::bf16, 128).rows,
      21U * 32U * 1280U + 20U * 1024U);
}

TEST(MemoryPlan, AnMtpStageHasARing) {
  ModelConfig config = trunk_of("flash");
  const uint64_t trunk = cache_size(config, CacheFormat::bf16, 0).total();
  config.layer_kinds.push_back(LayerKind::window);
  EXPECT_EQ(cache_size(config, CacheFormat::bf16, 0).total() - trunk, 131'072U);
}

TEST(MemoryPlan, ComparesWithTheMachine) {
  ModelConfig config = trunk_of("flash");
  CheckpointReport report;
  report.trunk_bytes = 156'000'000'000;
  report.mtp_bytes = 10'000'000'000;  // left out: report.mtp is empty
  report.bytes_per_token = 11;
  const uint64_t total = 156'000'000'000 + 1'900'000'000;
  const MemoryPlan plan = plan_memory(config, report, {total, total});
  EXPECT_EQ(plan.weight_bytes, 156'000'000'000U);
  ASSERT_EQ(plan.rows.size(), 4U);
  EXPECT_EQ(plan.rows[2].context_tokens, 262144);
  const auto bf16 = static_cast<size_t>(CacheFormat::bf16);
  EXPECT_TRUE(plan.rows[2].fits[bf16]);
  EXPECT_FALSE(plan.rows[3].fits[bf16]);
  EXPECT_FALSE(plan.rows[2].fits[static_cast<size_t>(CacheFormat::f32)]);
  config.max_position_embeddings = 65536;
  EXPECT_EQ(plan_memory(config, report, {}).rows.size(), 2U);
}

}  // namespace
}  // namespace hadal
