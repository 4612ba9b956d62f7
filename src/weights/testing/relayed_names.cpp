#include "weights/testing/relayed_names.h"

#include <map>
#include <utility>
#include <vector>

namespace hadal::testing {
namespace {

using Names = std::map<std::string, std::string>;

// Spec 7.3, the part after "layers.N.".
const Names& transformers_leaves() {
  static const Names names{
      {"attn_norm", "input_layernorm"},
      {"ffn_norm", "post_attention_layernorm"},
      {"hc_attn_fn", "attn_hc.fn"},
      {"hc_attn_base", "attn_hc.base"},
      {"hc_attn_scale", "attn_hc.scale"},
      {"hc_ffn_fn", "ffn_hc.fn"},
      {"hc_ffn_base", "ffn_hc.base"},
      {"hc_ffn_scale", "ffn_hc.scale"},
      {"attn.attn_sink", "self_attn.sinks"},
      {"attn.wq_a", "self_attn.q_a_proj"},
      {"attn.q_norm", "self_attn.q_a_norm"},
      {"attn.wq_b", "self_attn.q_b_proj"},
      {"attn.wkv", "self_attn.kv_proj"},
      {"attn.kv_norm", "self_attn.kv_norm"},
      {"attn.wo_a", "self_attn.o_a_proj"},
      {"attn.wo_b", "self_attn.o_b_proj"},
      {"attn.compressor.wkv", "self_attn.compressor.kv_proj"},
      {"attn.compressor.wgate", "self_attn.compressor.gate_proj"},
      {"attn.compressor.ape", "self_attn.compressor.position_bias"},
      {"attn.compressor.norm", "self_attn.compressor.kv_norm"},
      {"attn.indexer.wq_b", "self_attn.compressor.indexer.q_b_proj"},
      {"attn.indexer.weights_proj",
       "self_attn.compressor.indexer.scorer.weights_proj"},
      {"attn.indexer.compressor.wkv", "self_attn.compressor.indexer.kv_proj"},
      {"attn.indexer.compressor.wgate",
       "self_attn.compressor.indexer.gate_proj"},
      {"attn.indexer.compressor.ape",
       "self_attn.compressor.indexer.position_bias"},
      {"attn.indexer.compressor.norm", "self_attn.compressor.indexer.kv_norm"},
      {"ffn.gate", "mlp.gate"},
      {"ffn.gate.bias", "mlp.gate.e_score_correction_bias"},
      {"ffn.gate.tid2eid", "mlp.gate.tid2eid"},
      {"ffn.experts", "mlp.experts"},
      {"ffn.shared_experts.w1", "mlp.shared_experts.gate_proj"},
      {"ffn.shared_experts.w2", "mlp.shared_experts.down_proj"},
      {"ffn.shared_experts.w3", "mlp.shared_experts.up_proj"}};
  return names;
}

// Spec 7.4; leaves that are not here keep their name.
const Names& mlx_leaves() {
  static const Names names{
      {"hc_attn_fn", "attn_hc.fn"},
      {"hc_attn_base", "attn_hc.base"},
      {"hc_attn_scale", "attn_hc.scale"},
      {"hc_ffn_fn", "ffn_hc.fn"},
      {"hc_ffn_base", "ffn_hc.base"},
      {"hc_ffn_scale", "ffn_hc.scale"},
      {"ffn.gate.bias", "ffn.gate.e_score_correction_bias"},
      {"ffn.experts.w1", "ffn.switch_mlp.gate_proj"},
      {"ffn.experts.w2", "ffn.switch_mlp.down_proj"},
      {"ffn.experts.w3", "ffn.switch_mlp.up_proj"},
      {"ffn.shared_experts.w1", "ffn.shared_experts.gate_proj"},
      {"ffn.shared_experts.w2", "ffn.shared_experts.down_proj"},
      {"ffn.shared_experts.w3", "ffn.shared_experts.up_proj"}};
  return names;
}

// The variants' own hyper-connection names: "hc_attn.fn".
std::string dotted_hc(const std::string& leaf) {
  return leaf.starts_with("hc_") ? leaf.substr(0, leaf.rfind('_')) + "." +
                                       leaf.substr(leaf.rfind('_') + 1)
                                 : leaf;
}

std::string leaf_name(const std::string& leaf, Spelling spelling) {
  switch (spelling) {
    case Spelling::transformers:
      return transformers_leaves().at(leaf);
    case Spelling::mlx_thump604:
      return dotted_hc(leaf);
    case Spelling::mlx_pr1189:
      if (leaf.starts_with("hc_"))
        return dotted_hc(leaf);
      if (leaf == "ffn.gate.bias")
        return leaf;
      break;
    default:
      break;
  }
  const auto found = mlx_leaves().find(leaf);
  return found == mlx_leaves().end() ? leaf : found->second;
}

std::string model_name(const std::string& name, Spelling spelling) {
  if (name == "norm")
    return "model.norm";
  if (name.starts_with("hc_head_"))
    return "model.hc_head." +
           std::string(spelling == Spelling::transformers ? "hc_" : "") +
           name.substr(8);
  if (spelling == Spelling::mlx_thump604)
    return "model." + name;
  return name == "embed" ? "model.embed_tokens" : "lm_head";
}

}  // namespace

std::string relayed_module(const std::string& release, Spelling spelling) {
  std::string name;
  if (release.starts_with("layers.")) {
    const size_t dot = release.find('.', 7);
    name = "model." + release.substr(0, dot + 1) +
           leaf_name(release.substr(dot + 1), spelling);
  } else {
    name = model_name(release, spelling);
  }
  return spelling == Spelling::mlx_vlm ? "language_model." + name : name;
}

}  // namespace hadal::testing
