#include "cache/cache_layout.h"

#include <gtest/gtest.h>

#include "cache/fake_model.h"
#include "hadal/error.h"

namespace hadal {
namespace {

// The sizes that the cache looks at, of the real models (spec 1.1, 1.2).
ModelConfig real_config(bool pro) {
  ModelConfig config;
  config.hidden_size = pro ? 7168 : 4096;
  config.hc_mult = 4;
  config.num_hidden_layers = pro ? 61 : 43;
  config.head_dim = 512;
  config.qk_rope_head_dim = 64;
  config.index_head_dim = 128;
  config.sliding_window = 128;
  config.num_nextn_predict_layers = 1;
  const LayerKind first = pro ? LayerKind::compressed : LayerKind::window;
  config.layer_kinds = {first, first};
  while (static_cast<int64_t>(config.layer_kinds.size()) <
         config.num_hidden_layers) {
    config.layer_kinds.push_back(
        config.layer_kinds.size() % 2 == 0 ? LayerKind::sparse
                                           : LayerKind::compressed);
  }
  config.layer_kinds.push_back(LayerKind::window);
  return config;
}

int64_t fixed_bytes(bool pro, const CacheOptions& options) {
  return make_cache_layout(real_config(pro), options).fixed_bytes();
}

TEST(CacheLayout, GrowsAsTheSpecificationSays) {
  // spec 4.6, bfloat16 rows.
  const CacheOptions bf16 = {.kv_fp8 = false, .index_fp4 = false};
  EXPECT_EQ(
      make_cache_layout(real_config(false), bf16).bytes_per_token(), 6880.0);
  EXPECT_EQ(
      make_cache_layout(real_config(true), bf16).bytes_per_token(), 9848.0);
  // Rows of 584 bytes, index rows of 68.
  EXPECT_EQ(
      make_cache_layout(real_config(false), {}).bytes_per_token(),
      21 * (584 + 68) / 4.0 + 20 * 584 / 128.0);
  const CacheOptions exact = {.storage = CacheStorage::exact};
  EXPECT_EQ(
      make_cache_layout(real_config(false), exact).bytes_per_token(),
      2 * 6880.0);
}

TEST(CacheLayout, FixedPartAsTheSpecificationSays) {
  // reference-numbers 4: rings and tails without reach, in bfloat16; every
  // block costs 64 bytes more.
  CacheOptions options = {
      .kv_fp8 = false, .index_fp4 = false, .rewind_tokens = 0};
  const int64_t flash_blocks = 43 + 2 * (2 * 21 + 20);
  EXPECT_EQ(
      fixed_bytes(false, options), 5636096 + 12206080 + 64 * flash_blocks);
  const int64_t pro_blocks = 61 + 2 * (2 * 30 + 31);
  EXPECT_EQ(fixed_bytes(true, options), 7995392 + 18710528 + 64 * pro_blocks);
  // Each token of reach.
  options.rewind_tokens = 1;
  const int64_t reach_1 = fixed_bytes(false, options);
  options.rewind_tokens = 9;
  EXPECT_EQ(fixed_bytes(false, options) - reach_1, 8 * 340992);
}

TEST(CacheLayout, FormatsFollowTheOptions) {
  const ModelConfig config = real_config(false);
  const CacheLayout compact = make_cache_layout(config, {});
  EXPECT_EQ(compact.window_row.format, RowFormat::fp8);
  EXPECT_EQ(compact.layers[2].main->row, compact.window_row);
  EXPECT_EQ(compact.layers[2].indexer->row.format, RowFormat::fp4);
  EXPECT_FALSE(compact.layers[0].main.has_value());
  EXPECT_FALSE(compact.layers[3].indexer.has_value());
  EXPECT_EQ(compact.layers[2].main->channels, 1024);
  EXPECT_EQ(compact.layers[2].indexer->channels, 256);
  EXPECT_EQ(compact.layers[3].main->channels, 512);
  EXPECT_EQ(compact.layers[2].main->history_capacity, 16);
  EXPECT_EQ(compact.layers[3].main->history_capacity, 136);
  EXPECT_EQ(compact.window_capacity, 136);
  EXPECT_EQ(compact.mtp_stages, 0);

  const CacheLayout plain =
      make_cache_layout(config, {.kv_fp8 = false, .index_fp4 = false});
  EXPECT_EQ(plain.window_row.format, RowFormat::bf16);
  EXPECT_EQ(plain.layers[2].indexer->row.format, RowFormat::bf16);
  const CacheLayout exact =
      make_cache_layout(config, {.storage = CacheStorage::exact, .mtp = true});
  EXPECT_EQ(exact.window_row.format, RowFormat::f32);
  EXPECT_EQ(exact.layers[2].indexer->row.format, RowFormat::f32);
  EXPECT_EQ(exact.mtp_stages, 1);
  EXPECT_EQ(exact.hidden_width, 16384);
  EXPECT_EQ(exact.hidden_capacity, 9);
  EXPECT_EQ(exact.mtp_window_capacity, 144);
}

TEST(CacheLayout, TailsStartWhereTheSpecificationSays) {
  const CacheLayout layout = make_cache_layout(real_config(false), {});
  const CompressorLayout& sparse = *layout.layers[2].main;
  EXPECT_EQ(sparse.tail_start(0), 0);
  EXPECT_EQ(sparse.tail_start(4), 0);
  EXPECT_EQ(sparse.tail_start(7), 0);
  EXPECT_EQ(sparse.tail_start(8), 4);
  EXPECT_EQ(sparse.tail_start(131), 124);
  const CompressorLayout& compressed = *layout.layers[3].main;
  EXPECT_EQ(compressed.tail_start(127), 0);
  EXPECT_EQ(compressed.tail_start(128), 128);
  EXPECT_EQ(compressed.tail_start(383), 256);
  EXPECT_EQ(layout.window_start(0), 0);
  EXPECT_EQ(layout.window_start(127), 0);
  EXPECT_EQ(layout.window_start(128), 1);
}

TEST(CacheLayout, DescriptionNamesWhatMatters) {
  const CacheLayout layout = *testing::small_layout();
  EXPECT_EQ(
      layout.describe(),
      "window 128 rows f32[8/4]; index rows f32[4/4]; layers 0,4,128,4; mtp 1 "
      "of 16");
  // The reach and the pages do not change what the bytes mean.
  CacheOptions options = {
      .storage = CacheStorage::exact, .rewind_tokens = 3, .rows_per_page = 8};
  EXPECT_EQ(testing::small_layout(options)->describe(), layout.describe());
  options.storage = CacheStorage::compact;
  EXPECT_NE(testing::small_layout(options)->describe(), layout.describe());
}

TEST(CacheLayout, RefusesOptionsOutOfRange) {
  const ModelConfig config = real_config(false);
  for (const CacheOptions& options : {
           CacheOptions{.rewind_tokens = -1},
           CacheOptions{.rewind_tokens = 4097},
           CacheOptions{.rows_per_page = 0},
           CacheOptions{.rows_per_page = 48},
       }) {
    try {
      make_cache_layout(config, options);
      FAIL() << "expected an Error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    }
  }
}

}  // namespace
}  // namespace hadal
