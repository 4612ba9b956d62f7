#include "weights/matrices.h"

namespace hadal {
namespace {

using Visit = std::function<void(WeightView&)>;

void visit_all(std::vector<WeightView>& views, const Visit& visit) {
  for (WeightView& view : views)
    visit(view);
}

void visit_compressor(CompressorWeights& weights, const Visit& visit) {
  visit(weights.wkv);
  visit(weights.wgate);
}

void visit_attention(AttentionWeights& weights, const Visit& visit) {
  visit(weights.wq_a);
  visit(weights.wq_b);
  visit(weights.wkv);
  visit_all(weights.wo_a, visit);
  visit(weights.wo_b);
  visit_compressor(weights.compressor, visit);
  visit(weights.indexer.wq_b);
  visit(weights.indexer.weights_proj);
  visit_compressor(weights.indexer.compressor, visit);
}

void visit_moe(MoeWeights& weights, const Visit& visit) {
  visit(weights.gate);
  visit_all(weights.expert_gate, visit);
  visit_all(weights.expert_up, visit);
  visit_all(weights.expert_down, visit);
  visit(weights.shared_gate);
  visit(weights.shared_up);
  visit(weights.shared_down);
}

void visit_layer(LayerWeights& weights, const Visit& visit) {
  visit(weights.hc_attn.fn);
  visit(weights.hc_ffn.fn);
  visit_attention(weights.attention, visit);
  visit_moe(weights.moe, visit);
}

}  // namespace

void for_each_matrix(ModelWeights& weights, const Visit& visit) {
  const Visit visit_present = [&](WeightView& view) {
    if (!view.empty())
      visit(view);
  };
  visit_present(weights.embed);
  visit_present(weights.head);
  visit_present(weights.hc_head.fn);
  for (LayerWeights& layer : weights.layers)
    visit_layer(layer, visit_present);
  for (MtpWeights& stage : weights.mtp) {
    visit_layer(stage.block, visit_present);
    visit_present(stage.e_proj);
    visit_present(stage.h_proj);
    visit_present(stage.hc_head.fn);
  }
}

}  // namespace hadal
