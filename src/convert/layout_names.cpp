#include "convert/layout_names.h"

namespace hadal {
namespace {

using enum TensorId;

// The spelling of mlx-community's files, where it is not the release's.
std::string_view mlx_leaf(TensorId id) {
  switch (id) {
    case embed:
      return "embed_tokens";
    case hc_head_fn:
    case mtp_hc_head_fn:
      return "hc_head.fn";
    case hc_head_base:
    case mtp_hc_head_base:
      return "hc_head.base";
    case hc_head_scale:
    case mtp_hc_head_scale:
      return "hc_head.scale";
    case hc_attn_fn:
      return "attn_hc.fn";
    case hc_attn_base:
      return "attn_hc.base";
    case hc_attn_scale:
      return "attn_hc.scale";
    case hc_ffn_fn:
      return "ffn_hc.fn";
    case hc_ffn_base:
      return "ffn_hc.base";
    case hc_ffn_scale:
      return "ffn_hc.scale";
    case gate_bias:
      return "ffn.gate.e_score_correction_bias";
    case expert_w1:
      return "ffn.switch_mlp.gate_proj";
    case expert_w2:
      return "ffn.switch_mlp.down_proj";
    case expert_w3:
      return "ffn.switch_mlp.up_proj";
    case shared_w1:
      return "ffn.shared_experts.gate_proj";
    case shared_w2:
      return "ffn.shared_experts.down_proj";
    case shared_w3:
      return "ffn.shared_experts.up_proj";
    default:
      return rule(id).names[0];
  }
}

}  // namespace

std::string mlx_path(TensorId id, BlockIndex block) {
  if (id == head)
    return "lm_head";
  const std::string number = std::to_string(block.number);
  std::string path =
      block.scope == TensorScope::mtp ? "mtp." + number + "." : "model.";
  if (block.scope == TensorScope::layer)
    path += "layers." + number + ".";
  // The registry reads these of the next-token module in one spelling only.
  if (id == mtp_hc_head_fn || id == mtp_hc_head_base || id == mtp_hc_head_scale)
    return path + std::string(rule(id).names[0]);
  return path + std::string(mlx_leaf(id));
}

}  // namespace hadal
