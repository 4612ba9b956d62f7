// The hyper-parameters of a DeepSeek-V4 model (spec/architecture.md 1).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace hadal {

// What a layer remembers beyond its window (spec 1.2).
enum class LayerKind {
  window = 0,        // ratio 0: sliding window only (SWA)
  sparse = 4,        // ratio 4: compressed sparse attention with indexer (CSA)
  compressed = 128,  // ratio 128: heavily compressed attention (HCA)
};

// How the dense FP8 weights' scales and the experts are stored in the release
// layout; an MLX layout says it per module (quantization.h).
enum class ExpertFormat { fp4, fp8 };

// Field names are those of the official config.json.
struct ModelConfig {
  int64_t hidden_size = 0;
  int64_t num_hidden_layers = 0;
  int64_t num_attention_heads = 0;
  int64_t head_dim = 0;
  int64_t qk_rope_head_dim = 0;
  int64_t q_lora_rank = 0;
  int64_t o_groups = 0;
  int64_t o_lora_rank = 0;
  int64_t sliding_window = 0;
  int64_t index_n_heads = 0;
  int64_t index_head_dim = 0;
  int64_t index_topk = 0;
  int64_t n_routed_experts = 0;
  int64_t num_experts_per_tok = 0;
  int64_t n_shared_experts = 0;
  int64_t moe_intermediate_size = 0;
  int64_t num_hash_layers = 0;
  int64_t hc_mult = 0;
  int64_t hc_sinkhorn_iters = 0;
  int64_t vocab_size = 0;
  int64_t max_position_embeddings = 0;
  int64_t num_nextn_predict_layers = 0;  // MTP stages this code can run: 0 or 1
  float hc_eps = 1e-6F;
  float rms_norm_eps = 1e-6F;
  float routed_scaling_factor = 1;
  float swiglu_limit = 0;
  double rope_theta = 0;
  double compress_rope_theta = 0;
  double rope_factor = 1;
  int64_t original_max_position_embeddings = 0;
  double beta_fast = 32;
  double beta_slow = 1;
  int32_t bos_token_id = 0;
  int32_t eos_token_id = 1;
  // Older configurations do not state it; then the experts' dtype decides.
  ExpertFormat expert_format = ExpertFormat::fp4;
  bool expert_format_stated = false;
  // Stages of another kind (DSpark, spec appendix B) that are in the file and
  // left out.
  int64_t ignored_mtp_stages = 0;

  // One entry a trunk layer, then one an MTP stage.
  std::vector<LayerKind> layer_kinds;

  // The attention output's columns a group reads: heads * head_dim / groups.
  int64_t group_width() const {
    return num_attention_heads * head_dim / o_groups;
  }
  // Ratio 4 pools overlapping windows, with two channel sets (spec 3.7).
  static int64_t overlap(LayerKind kind) {
    return kind == LayerKind::sparse ? 2 : 1;
  }
  bool hash_routed(int64_t layer) const { return layer < num_hash_layers; }
};

// Reads DIR/config.json in the official, the transformers or the MLX spelling
// (spec 1.4). Throws Error: not_found, corrupt (no JSON, a field missing or of
// a wrong type), unsupported (another architecture, deepseek_v41, a ratio other
// than 0, 4 and 128, no explicit layer list); the message names the file and
// the field.
ModelConfig read_model_config(const std::filesystem::path& directory);

// The same from JSON text; `source` names it in messages.
ModelConfig parse_model_config(std::string_view json, std::string_view source);

}  // namespace hadal
