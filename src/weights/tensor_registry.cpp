#include "weights/tensor_registry.h"

#include <array>

namespace hadal {
namespace {

using enum TensorId;
using Scope = TensorScope;
using Group = TensorGroup;
using Storage = TensorStorage;
using Count = TensorCount;

constexpr bool kSuffix = true;  // the name is followed by ".weight"
constexpr bool kBare = false;

// clang-format off
constexpr std::array<TensorRule, kTensorIdCount> kRules{{
    {embed, Scope::model, Group::embedding, Storage::matrix,
     Count::one, kSuffix, {"embed", "embed_tokens"}},
    {head, Scope::model, Group::head, Storage::matrix,
     Count::one, kSuffix, {"head", "lm_head"}},
    {norm, Scope::model, Group::norm, Storage::plain,
     Count::one, kSuffix, {"norm"}},
    {hc_head_fn, Scope::model, Group::hyper_connection, Storage::f32_or_bf16,
     Count::one, kBare, {"hc_head_fn", "hc_head.hc_fn", "hc_head.fn"}},
    {hc_head_base, Scope::model, Group::hyper_connection, Storage::f32,
     Count::one, kBare, {"hc_head_base", "hc_head.hc_base", "hc_head.base"}},
    {hc_head_scale, Scope::model, Group::hyper_connection, Storage::f32,
     Count::one, kBare, {"hc_head_scale", "hc_head.hc_scale",
      "hc_head.scale"}},

    {attn_norm, Scope::layer, Group::norm, Storage::plain,
     Count::one, kSuffix, {"attn_norm", "input_layernorm"}},
    {ffn_norm, Scope::layer, Group::norm, Storage::plain,
     Count::one, kSuffix, {"ffn_norm", "post_attention_layernorm"}},
    {hc_attn_fn, Scope::layer, Group::hyper_connection, Storage::f32_or_bf16,
     Count::one, kBare, {"hc_attn_fn", "attn_hc.fn", "hc_attn.fn"}},
    {hc_attn_base, Scope::layer, Group::hyper_connection, Storage::f32,
     Count::one, kBare, {"hc_attn_base", "attn_hc.base", "hc_attn.base"}},
    {hc_attn_scale, Scope::layer, Group::hyper_connection, Storage::f32,
     Count::one, kBare, {"hc_attn_scale", "attn_hc.scale", "hc_attn.scale"}},
    {hc_ffn_fn, Scope::layer, Group::hyper_connection, Storage::f32_or_bf16,
     Count::one, kBare, {"hc_ffn_fn", "ffn_hc.fn", "hc_ffn.fn"}},
    {hc_ffn_base, Scope::layer, Group::hyper_connection, Storage::f32,
     Count::one, kBare, {"hc_ffn_base", "ffn_hc.base", "hc_ffn.base"}},
    {hc_ffn_scale, Scope::layer, Group::hyper_connection, Storage::f32,
     Count::one, kBare, {"hc_ffn_scale", "ffn_hc.scale", "hc_ffn.scale"}},
    {attn_sink, Scope::layer, Group::small, Storage::f32,
     Count::one, kBare, {"attn.attn_sink", "self_attn.sinks"}},
    {wq_a, Scope::layer, Group::attention, Storage::matrix,
     Count::one, kSuffix, {"attn.wq_a", "self_attn.q_a_proj"}},
    {q_norm, Scope::layer, Group::norm, Storage::plain,
     Count::one, kSuffix, {"attn.q_norm", "self_attn.q_a_norm"}},
    {wq_b, Scope::layer, Group::attention, Storage::matrix,
     Count::one, kSuffix, {"attn.wq_b", "self_attn.q_b_proj"}},
    {wkv, Scope::layer, Group::attention, Storage::matrix,
     Count::one, kSuffix, {"attn.wkv", "self_attn.kv_proj"}},
    {kv_norm, Scope::layer, Group::norm, Storage::plain,
     Count::one, kSuffix, {"attn.kv_norm", "self_attn.kv_norm"}},
    {wo_a, Scope::layer, Group::attention, Storage::matrix,
     Count::per_group, kSuffix, {"attn.wo_a", "self_attn.o_a_proj",
      "attn.wo_a.#"}},
    {wo_b, Scope::layer, Group::attention, Storage::matrix,
     Count::one, kSuffix, {"attn.wo_b", "self_attn.o_b_proj"}},
    {compressor_wkv, Scope::layer, Group::compressor, Storage::matrix,
     Count::one, kSuffix, {"attn.compressor.wkv",
      "self_attn.compressor.kv_proj"}},
    {compressor_wgate, Scope::layer, Group::compressor, Storage::matrix,
     Count::one, kSuffix, {"attn.compressor.wgate",
      "self_attn.compressor.gate_proj"}},
    {compressor_ape, Scope::layer, Group::small, Storage::f32_or_bf16,
     Count::one, kBare, {"attn.compressor.ape",
      "self_attn.compressor.position_bias"}},
    {compressor_norm, Scope::layer, Group::norm, Storage::plain,
     Count::one, kSuffix, {"attn.compressor.norm",
      "self_attn.compressor.kv_norm"}},
    {indexer_wq_b, Scope::layer, Group::indexer, Storage::matrix,
     Count::one, kSuffix, {"attn.indexer.wq_b",
      "self_attn.compressor.indexer.q_b_proj"}},
    {indexer_weights_proj, Scope::layer, Group::indexer, Storage::matrix,
     Count::one, kSuffix, {"attn.indexer.weights_proj",
      "self_attn.compressor.indexer.scorer.weights_proj",
      "self_attn.compressor.indexer.weights_proj"}},
    {indexer_compressor_wkv, Scope::layer, Group::compressor, Storage::matrix,
     Count::one, kSuffix, {"attn.indexer.compressor.wkv",
      "self_attn.compressor.indexer.kv_proj"}},
    {indexer_compressor_wgate, Scope::layer, Group::compressor, Storage::matrix,
     Count::one, kSuffix, {"attn.indexer.compressor.wgate",
      "self_attn.compressor.indexer.gate_proj"}},
    {indexer_compressor_ape, Scope::layer, Group::small, Storage::f32_or_bf16,
     Count::one, kBare, {"attn.indexer.compressor.ape",
      "self_attn.compressor.indexer.position_bias"}},
    {indexer_compressor_norm, Scope::layer, Group::norm, Storage::plain,
     Count::one, kSuffix, {"attn.indexer.compressor.norm",
      "self_attn.compressor.indexer.kv_norm"}},
    {gate, Scope::layer, Group::gate, Storage::plain,
     Count::one, kSuffix, {"ffn.gate", "mlp.gate"}},
    {gate_bias, Scope::layer, Group::small, Storage::f32,
     Count::one, kBare, {"ffn.gate.bias", "ffn.gate.e_score_correction_bias",
      "mlp.gate.e_score_correction_bias"}},
    {tid2eid, Scope::layer, Group::hash_table, Storage::ids,
     Count::one, kBare, {"ffn.gate.tid2eid", "mlp.gate.tid2eid"}},
    {expert_w1, Scope::layer, Group::routed_experts, Storage::matrix,
     Count::per_expert, kSuffix, {"ffn.experts.#.w1",
      "ffn.switch_mlp.gate_proj", "ffn.experts.w1"}},
    {expert_w2, Scope::layer, Group::routed_experts, Storage::matrix,
     Count::per_expert, kSuffix, {"ffn.experts.#.w2",
      "ffn.switch_mlp.down_proj", "ffn.experts.w2", "mlp.experts.down_proj"}},
    {expert_w3, Scope::layer, Group::routed_experts, Storage::matrix,
     Count::per_expert, kSuffix, {"ffn.experts.#.w3",
      "ffn.switch_mlp.up_proj", "ffn.experts.w3"}},
    {expert_w1_w3, Scope::layer, Group::routed_experts, Storage::matrix,
     Count::per_expert, kSuffix, {"mlp.experts.gate_up_proj"}},
    {shared_w1, Scope::layer, Group::shared_experts, Storage::matrix,
     Count::one, kSuffix, {"ffn.shared_experts.w1",
      "ffn.shared_experts.gate_proj", "mlp.shared_experts.gate_proj"}},
    {shared_w2, Scope::layer, Group::shared_experts, Storage::matrix,
     Count::one, kSuffix, {"ffn.shared_experts.w2",
      "ffn.shared_experts.down_proj", "mlp.shared_experts.down_proj"}},
    {shared_w3, Scope::layer, Group::shared_experts, Storage::matrix,
     Count::one, kSuffix, {"ffn.shared_experts.w3",
      "ffn.shared_experts.up_proj", "mlp.shared_experts.up_proj"}},

    {mtp_e_proj, Scope::mtp, Group::attention, Storage::matrix,
     Count::one, kSuffix, {"e_proj"}},
    {mtp_h_proj, Scope::mtp, Group::attention, Storage::matrix,
     Count::one, kSuffix, {"h_proj"}},
    {mtp_enorm, Scope::mtp, Group::norm, Storage::plain,
     Count::one, kSuffix, {"enorm"}},
    {mtp_hnorm, Scope::mtp, Group::norm, Storage::plain,
     Count::one, kSuffix, {"hnorm"}},
    {mtp_norm, Scope::mtp, Group::norm, Storage::plain,
     Count::one, kSuffix, {"norm"}},
    {mtp_hc_head_fn, Scope::mtp, Group::hyper_connection, Storage::f32_or_bf16,
     Count::one, kBare, {"hc_head_fn"}},
    {mtp_hc_head_base, Scope::mtp, Group::hyper_connection, Storage::f32,
     Count::one, kBare, {"hc_head_base"}},
    {mtp_hc_head_scale, Scope::mtp, Group::hyper_connection, Storage::f32,
     Count::one, kBare, {"hc_head_scale"}},
}};
// clang-format on

constexpr bool rules_stand_in_order() {
  for (size_t i = 0; i < kRules.size(); ++i)
    if (static_cast<size_t>(kRules[i].id) != i)
      return false;
  return true;
}
static_assert(rules_stand_in_order());

}  // namespace

std::string_view name(TensorGroup group) {
  constexpr std::array<std::string_view, kTensorGroupCount> kNames{
      "embedding",
      "head",
      "attention",
      "compressor",
      "indexer",
      "gate",
      "shared experts",
      "routed experts",
      "hyper-connections",
      "norms",
      "sinks, ape, gate bias",
      "hash tables"};
  return kNames[static_cast<size_t>(group)];
}

const TensorRule& rule(TensorId id) {
  return kRules[static_cast<size_t>(id)];
}

std::span<const TensorRule> tensor_rules() {
  return kRules;
}

LayerKind layer_kind(const ModelConfig& config, BlockIndex block) {
  if (block.scope == Scope::model)
    return LayerKind::window;
  const int64_t entry =
      block.number + (block.scope == Scope::mtp ? config.num_hidden_layers : 0);
  return config.layer_kinds[static_cast<size_t>(entry)];
}

bool occurs(const ModelConfig& config, TensorId id, BlockIndex block) {
  const TensorScope scope = rule(id).scope;
  if (scope != block.scope &&
      !(scope == Scope::layer && block.scope == Scope::mtp))
    return false;
  const LayerKind kind = layer_kind(config, block);
  const bool hashed =
      block.scope == Scope::layer && config.hash_routed(block.number);
  switch (id) {
    case compressor_wkv:
    case compressor_wgate:
    case compressor_ape:
    case compressor_norm:
      return kind != LayerKind::window;
    case indexer_wq_b:
    case indexer_weights_proj:
    case indexer_compressor_wkv:
    case indexer_compressor_wgate:
    case indexer_compressor_ape:
    case indexer_compressor_norm:
      return kind == LayerKind::sparse;
    case gate_bias:
      return !hashed;
    case tid2eid:
      return hashed;
    case expert_w1_w3:
      return false;
    default:
      return true;
  }
}

}  // namespace hadal
