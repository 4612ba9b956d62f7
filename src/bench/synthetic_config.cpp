#include "bench/synthetic_config.h"

namespace hadal {
namespace {

using enum LayerKind;

// What all models share.
ModelConfig common() {
  ModelConfig config;
  config.head_dim = 512;
  config.qk_rope_head_dim = 64;
  config.o_lora_rank = 1024;
  config.sliding_window = 128;
  config.index_n_heads = 64;
  config.index_head_dim = 128;
  config.num_experts_per_tok = 6;
  config.n_shared_experts = 1;
  config.num_hash_layers = 3;
  config.hc_mult = 4;
  config.hc_sinkhorn_iters = 20;
  config.vocab_size = 129280;
  config.max_position_embeddings = 1048576;
  config.swiglu_limit = 10;
  config.rope_theta = 10000;
  config.compress_rope_theta = 160000;
  config.rope_factor = 16;
  config.original_max_position_embeddings = 65536;
  config.expert_format_stated = true;
  return config;
}

// Two layers of their own, then the compressed kinds in turn.
void set_layers(ModelConfig& config, int64_t layers, LayerKind first) {
  config.num_hidden_layers = layers;
  config.layer_kinds.assign(2, first);
  for (int64_t i = 2; i < layers; ++i)
    config.layer_kinds.push_back(i % 2 == 0 ? sparse : compressed);
}

ModelConfig flash() {
  ModelConfig config = common();
  config.hidden_size = 4096;
  config.index_topk = 512;
  config.moe_intermediate_size = 2048;
  config.n_routed_experts = 256;
  config.num_attention_heads = 64;
  config.o_groups = 8;
  config.q_lora_rank = 1024;
  config.routed_scaling_factor = 1.5F;
  set_layers(config, 43, window);
  return config;
}

ModelConfig pro() {
  ModelConfig config = common();
  config.hidden_size = 7168;
  config.index_topk = 1024;
  config.moe_intermediate_size = 3072;
  config.n_routed_experts = 384;
  config.num_attention_heads = 128;
  config.o_groups = 16;
  config.q_lora_rank = 1536;
  config.routed_scaling_factor = 2.5F;
  set_layers(config, 61, compressed);
  return config;
}

// Shapes near those of models/nano; made in a moment.
ModelConfig tiny() {
  ModelConfig config = common();
  config.hidden_size = 384;
  config.head_dim = 128;
  config.o_lora_rank = 128;
  config.index_n_heads = 8;
  config.index_head_dim = 64;
  config.index_topk = 64;
  config.moe_intermediate_size = 128;
  config.n_routed_experts = 16;
  config.num_experts_per_tok = 4;
  config.num_hash_layers = 2;
  config.num_attention_heads = 8;
  config.o_groups = 2;
  config.q_lora_rank = 256;
  config.vocab_size = 4224;
  config.routed_scaling_factor = 1.5F;
  set_layers(config, 5, window);
  return config;
}

}  // namespace

std::optional<ModelConfig> synthetic_config(std::string_view family) {
  if (family == "flash")
    return flash();
  if (family == "pro")
    return pro();
  if (family == "tiny")
    return tiny();
  return std::nullopt;
}

}  // namespace hadal
