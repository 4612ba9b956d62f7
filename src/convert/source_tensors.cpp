#include "convert/source_tensors.h"

#include <span>

#include "base/check.h"

namespace hadal {
namespace {

using enum TensorId;
using Views = std::vector<WeightView>;

// A vector that the loader keeps as floats.
WeightView vector_view(const float* values, int64_t cols) {
  WeightView view;
  view.format = WeightFormat::f32;
  view.rows = 1;
  view.cols = cols;
  view.row_bytes = cols * 4;
  view.data = reinterpret_cast<const std::byte*>(values);
  return view;
}

Views hyper_connection(
    const HyperConnectionWeights& weights, int part, int64_t cols) {
  if (part == 0)
    return {weights.fn};
  return {vector_view(part == 1 ? weights.base : weights.scale, cols)};
}

Views of_model(const ModelWeights& weights, TensorId id, int64_t cols) {
  switch (id) {
    case embed:
      return {weights.embed};
    case head:
      return {weights.head};
    case norm:
      return {weights.norm};
    case hc_head_fn:
      return hyper_connection(weights.hc_head, 0, cols);
    case hc_head_base:
      return hyper_connection(weights.hc_head, 1, cols);
    case hc_head_scale:
      return hyper_connection(weights.hc_head, 2, cols);
    default:
      return {};
  }
}

Views of_attention(const AttentionWeights& weights, TensorId id) {
  switch (id) {
    case attn_sink:
      return {weights.attn_sink};
    case wq_a:
      return {weights.wq_a};
    case q_norm:
      return {weights.q_norm};
    case wq_b:
      return {weights.wq_b};
    case wkv:
      return {weights.wkv};
    case kv_norm:
      return {weights.kv_norm};
    case wo_a:
      return weights.wo_a;
    case wo_b:
      return {weights.wo_b};
    case compressor_wkv:
      return {weights.compressor.wkv};
    case compressor_wgate:
      return {weights.compressor.wgate};
    case compressor_ape:
      return {weights.compressor.ape};
    case compressor_norm:
      return {weights.compressor.norm};
    case indexer_wq_b:
      return {weights.indexer.wq_b};
    case indexer_weights_proj:
      return {weights.indexer.weights_proj};
    case indexer_compressor_wkv:
      return {weights.indexer.compressor.wkv};
    case indexer_compressor_wgate:
      return {weights.indexer.compressor.wgate};
    case indexer_compressor_ape:
      return {weights.indexer.compressor.ape};
    case indexer_compressor_norm:
      return {weights.indexer.compressor.norm};
    default:
      return {};
  }
}

Views of_moe(const MoeWeights& weights, TensorId id) {
  switch (id) {
    case gate:
      return {weights.gate};
    case gate_bias:
      return {weights.gate_bias};
    case expert_w1:
      return weights.expert_gate;
    case expert_w2:
      return weights.expert_down;
    case expert_w3:
      return weights.expert_up;
    case shared_w1:
      return {weights.shared_gate};
    case shared_w2:
      return {weights.shared_down};
    case shared_w3:
      return {weights.shared_up};
    default:
      return {};
  }
}

Views of_layer(const LayerWeights& weights, TensorId id, int64_t cols) {
  switch (id) {
    case attn_norm:
      return {weights.attn_norm};
    case ffn_norm:
      return {weights.ffn_norm};
    case hc_attn_fn:
      return hyper_connection(weights.hc_attn, 0, cols);
    case hc_attn_base:
      return hyper_connection(weights.hc_attn, 1, cols);
    case hc_attn_scale:
      return hyper_connection(weights.hc_attn, 2, cols);
    case hc_ffn_fn:
      return hyper_connection(weights.hc_ffn, 0, cols);
    case hc_ffn_base:
      return hyper_connection(weights.hc_ffn, 1, cols);
    case hc_ffn_scale:
      return hyper_connection(weights.hc_ffn, 2, cols);
    default:
      break;
  }
  Views views = of_attention(weights.attention, id);
  return views.empty() ? of_moe(weights.moe, id) : views;
}

Views of_mtp(const MtpWeights& weights, TensorId id, int64_t cols) {
  switch (id) {
    case mtp_e_proj:
      return {weights.e_proj};
    case mtp_h_proj:
      return {weights.h_proj};
    case mtp_enorm:
      return {weights.enorm};
    case mtp_hnorm:
      return {weights.hnorm};
    case mtp_norm:
      return {weights.norm};
    case mtp_hc_head_fn:
      return hyper_connection(weights.hc_head, 0, cols);
    case mtp_hc_head_base:
      return hyper_connection(weights.hc_head, 1, cols);
    case mtp_hc_head_scale:
      return hyper_connection(weights.hc_head, 2, cols);
    default:
      return of_layer(weights.block, id, cols);
  }
}

SourceTensor source_tensor(
    const LoadedModel& model, TensorId id, BlockIndex block) {
  SourceTensor out;
  out.id = id;
  out.block = block;
  out.shape = logical_shape(model.config, id, layer_kind(model.config, block));
  const auto number = static_cast<size_t>(block.number);
  if (id == tid2eid) {
    const MoeWeights& moe = block.scope == TensorScope::mtp
                                ? model.weights.mtp[number].block.moe
                                : model.weights.layers[number].moe;
    out.ids = moe.tid2eid;
    out.ids_are_64_bit = moe.tid2eid_is_64_bit;
    HADAL_CHECK(out.ids != nullptr);
    return out;
  }
  switch (block.scope) {
    case TensorScope::model:
      out.items = of_model(model.weights, id, out.shape.cols);
      break;
    case TensorScope::layer:
      out.items = of_layer(model.weights.layers[number], id, out.shape.cols);
      break;
    case TensorScope::mtp:
      out.items = of_mtp(model.weights.mtp[number], id, out.shape.cols);
      break;
  }
  HADAL_CHECK(!out.items.empty() && !out.items.front().empty());
  return out;
}

}  // namespace

std::vector<SourceTensor> source_tensors(const LoadedModel& model) {
  std::vector<SourceTensor> out;
  const auto add_block = [&](BlockIndex block) {
    for (const TensorRule& rule : tensor_rules())
      if (occurs(model.config, rule.id, block))
        out.push_back(source_tensor(model, rule.id, block));
  };
  add_block({TensorScope::model, 0});
  for (size_t layer = 0; layer < model.weights.layers.size(); ++layer)
    add_block({TensorScope::layer, static_cast<int64_t>(layer)});
  for (size_t stage = 0; stage < model.weights.mtp.size(); ++stage)
    add_block({TensorScope::mtp, static_cast<int64_t>(stage)});
  return out;
}

}  // namespace hadal
