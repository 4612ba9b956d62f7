#include "model/workspace.h"

#include <algorithm>

namespace hadal {
namespace {

constexpr int64_t kMinTokens = 16;

// What spans a chunk, of one token, in floats.
int64_t chunk_floats(const ModelConfig& config, bool mtp) {
  const int64_t d = config.hidden_size;
  const int64_t streams = config.hc_mult * d;
  const int64_t mixing = 2 * config.hc_mult * (config.hc_mult + 2);
  return streams + mixing + 2 * d  // x, y
         + 3 * d                   // prepared for the products
         + 2 * config.head_dim     // kv, kv_rows
         + 4 * config.head_dim + 4 * config.index_head_dim  // z, g
         + config.n_routed_experts + 4 * config.num_experts_per_tok +
         (mtp ? 3 * streams + d : 0);
}

// What spans a tile.
int64_t tile_floats(const ModelConfig& config) {
  const int64_t width = config.num_attention_heads * config.head_dim;
  const int64_t latent = config.o_groups * config.o_lora_rank;
  const int64_t index_width = config.index_n_heads * config.index_head_dim;
  return 2 * width                              // q, o
         + 2 * latent + 2 * config.q_lora_rank  // u, a, prepared
         + config.group_width()                 // prepared
         + index_width + config.index_n_heads + config.index_topk;
}

int64_t tokens_in(int64_t bytes, int64_t floats, int64_t most) {
  const int64_t tokens = bytes / (floats * 4);
  return std::clamp(tokens / kMinTokens * kMinTokens, kMinTokens, most);
}

}  // namespace

ChunkPlan plan_chunks(
    const ModelConfig& config, bool mtp, const ChunkBudget& budget) {
  return {
      .chunk_tokens = tokens_in(
          budget.chunk_bytes,
          chunk_floats(config, mtp),
          budget.most_chunk_tokens),
      .tile_tokens = tokens_in(
          budget.tile_bytes, tile_floats(config), budget.most_tile_tokens)};
}

}  // namespace hadal
