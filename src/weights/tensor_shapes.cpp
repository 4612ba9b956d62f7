// The shape of every tensor from the configuration (spec 7.1).
#include "weights/tensor_registry.h"

namespace hadal {

using enum TensorId;

LogicalShape logical_shape(const ModelConfig& c, TensorId id, LayerKind kind) {
  const int64_t d = c.hidden_size;
  const int64_t streams = c.hc_mult;
  const int64_t mixes = 2 * streams + streams * streams;
  const int64_t ratio = static_cast<int64_t>(kind);
  const int64_t channels = ModelConfig::overlap(kind) * c.head_dim;
  const int64_t index_channels = ModelConfig::overlap(kind) * c.index_head_dim;
  switch (id) {
    case embed:
    case head:
      return {c.vocab_size, d};
    case norm:
    case attn_norm:
    case ffn_norm:
    case mtp_enorm:
    case mtp_hnorm:
    case mtp_norm:
      return {1, d};
    case hc_head_fn:
    case mtp_hc_head_fn:
      return {streams, streams * d};
    case hc_head_base:
    case mtp_hc_head_base:
      return {1, streams};
    case hc_head_scale:
    case mtp_hc_head_scale:
      return {1, 1};
    case hc_attn_fn:
    case hc_ffn_fn:
      return {mixes, streams * d};
    case hc_attn_base:
    case hc_ffn_base:
      return {1, mixes};
    case hc_attn_scale:
    case hc_ffn_scale:
      return {1, 3};
    case attn_sink:
      return {1, c.num_attention_heads};
    case wq_a:
      return {c.q_lora_rank, d};
    case q_norm:
      return {1, c.q_lora_rank};
    case wq_b:
      return {c.num_attention_heads * c.head_dim, c.q_lora_rank};
    case wkv:
      return {c.head_dim, d};
    case kv_norm:
    case compressor_norm:
      return {1, c.head_dim};
    case wo_a:
      return {c.o_lora_rank, c.group_width()};
    case wo_b:
      return {d, c.o_groups * c.o_lora_rank};
    case compressor_wkv:
    case compressor_wgate:
      return {channels, d};
    case compressor_ape:
      return {ratio, channels};
    case indexer_wq_b:
      return {c.index_n_heads * c.index_head_dim, c.q_lora_rank};
    case indexer_weights_proj:
      return {c.index_n_heads, d};
    case indexer_compressor_wkv:
    case indexer_compressor_wgate:
      return {index_channels, d};
    case indexer_compressor_ape:
      return {ratio, index_channels};
    case indexer_compressor_norm:
      return {1, c.index_head_dim};
    case gate:
      return {c.n_routed_experts, d};
    case gate_bias:
      return {1, c.n_routed_experts};
    case tid2eid:
      return {c.vocab_size, c.num_experts_per_tok};
    case expert_w1:
    case expert_w3:
    case shared_w1:
    case shared_w3:
      return {c.moe_intermediate_size, d};
    case expert_w1_w3:
      return {2 * c.moe_intermediate_size, d};
    case expert_w2:
    case shared_w2:
      return {d, c.moe_intermediate_size};
    case mtp_e_proj:
    case mtp_h_proj:
      return {d, d};
  }
  return {};
}

}  // namespace hadal
