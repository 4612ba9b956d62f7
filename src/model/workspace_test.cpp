#include "model/workspace.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "checkpoint/testing/temporary_directory.h"

namespace hadal {
namespace {

ModelConfig config_of(const std::string& name) {
  const std::filesystem::path path = std::filesystem::path(HADAL_SOURCE_DIR) /
                                     "tests/data/configs" / (name + ".json");
  return parse_model_config(testing::read_text(path), name);
}

TEST(ChunkPlan, FlashTakesLongChunks) {
  const ChunkPlan plan = plan_chunks(config_of("flash"), false);
  EXPECT_EQ(plan.chunk_tokens, 2048);
  EXPECT_GE(plan.tile_tokens, 128);
  EXPECT_LT(plan.tile_tokens, plan.chunk_tokens);
  // What the next-token module needs more makes them shorter.
  EXPECT_LT(plan_chunks(config_of("flash"), true).chunk_tokens, 2048);
}

TEST(ChunkPlan, ADeviceTakesLongerOnes) {
  const ChunkPlan plan = plan_chunks(config_of("flash"), false, kDeviceBudget);
  EXPECT_EQ(plan.chunk_tokens, 8192);
  EXPECT_EQ(plan.tile_tokens, 2048);
}

TEST(ChunkPlan, WidthShortensThem) {
  const ChunkPlan flash = plan_chunks(config_of("flash"), false);
  const ChunkPlan pro = plan_chunks(config_of("pro"), false);
  EXPECT_GE(pro.chunk_tokens, 1024);
  EXPECT_LT(pro.chunk_tokens, flash.chunk_tokens);
  EXPECT_LT(pro.tile_tokens, flash.tile_tokens);
}

}  // namespace
}  // namespace hadal
