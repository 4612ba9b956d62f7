// The part of ModelBinder that fills the structs of model_weights.h.
#include "hadal/error.h"
#include "weights/model_binder.h"

namespace hadal {

using enum TensorId;

WeightView ModelBinder::matrix(TensorId id, BlockIndex block) {
  StoredParts parts;
  if (!has_weight(id, block, parts))
    return {};
  const LogicalShape shape =
      logical_shape(config_, id, layer_kind(config_, block));
  const WeightView view =
      reader_.matrices(parts, {id, block}, {StackForm::single, 1, shape})
          .front();
  if (parts.scales != nullptr)
    scales_.push_back(parts.scales);
  report_.count_logical(id, block, view, 1, parts);
  return view;
}

WeightView ModelBinder::plain(TensorId id, BlockIndex block) {
  StoredParts parts;
  if (!has_weight(id, block, parts))
    return {};
  const LogicalShape shape =
      logical_shape(config_, id, layer_kind(config_, block));
  const TensorStorage storage = rule(id).storage;
  const WeightView view =
      storage == TensorStorage::f32
          ? reader_.float32(parts, shape)
          : reader_.plain(parts, shape, storage == TensorStorage::plain);
  report_.count_logical(id, block, view, 1, parts);
  return view;
}

const float* ModelBinder::floats(TensorId id, BlockIndex block) {
  return reinterpret_cast<const float*>(plain(id, block).data);
}

void ModelBinder::require_absent(const StoredParts& parts) const {
  for (const StoredTensor* part : {parts.weight, parts.scales, parts.biases})
    if (part != nullptr)
      throw Error(
          ErrorCode::corrupt,
          storage_.where(*part) +
              ": these weights are there in a second form too (stacked and one "
              "by one); remove one of them");
}

void ModelBinder::require_absent(TensorId id, BlockIndex block) {
  require_absent(slots(block).whole[static_cast<size_t>(id)]);
}

// A tensor for each expert or group.
std::vector<WeightView> ModelBinder::apart(TensorId id, BlockIndex block) {
  const LogicalShape shape =
      logical_shape(config_, id, layer_kind(config_, block));
  std::vector<WeightView> views;
  const std::vector<StoredParts>& items = slots(block).items[id];
  for (size_t i = 0; i < items.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    if (items[i].weight == nullptr) {
      missing_.push_back(release_name(id, block, index) + ".weight");
      continue;
    }
    views.push_back(
        reader_
            .matrices(
                items[i], {id, block, index}, {StackForm::single, 1, shape})
            .front());
    if (items[i].scales != nullptr)
      scales_.push_back(items[i].scales);
    report_.count_logical(id, block, views.back(), 1, items[i]);
  }
  return views;
}

std::vector<WeightView> ModelBinder::stack(TensorId id, BlockIndex block) {
  if (slots(block).items.contains(id)) {
    require_absent(id, block);
    return apart(id, block);
  }
  StoredParts parts;
  if (!has_weight(id, block, parts))
    return {};
  const bool experts = rule(id).count == TensorCount::per_expert;
  MatrixRequest request;
  request.items = experts ? config_.n_routed_experts : config_.o_groups;
  request.shape = logical_shape(config_, id, layer_kind(config_, block));
  // The release and transformers keep the groups of wo_a in one matrix.
  request.form = experts || parts.weight->shape.rank() == 3
                     ? StackForm::leading
                     : StackForm::flattened;
  std::vector<WeightView> views = reader_.matrices(parts, {id, block}, request);
  if (parts.scales != nullptr)
    scales_.push_back(parts.scales);
  report_.count_logical(id, block, views.front(), request.items, parts);
  return views;
}

// transformers keeps w1 and w3 of all experts in one tensor.
void ModelBinder::split_gate_up(BlockIndex block, MoeWeights& moe) {
  for (TensorId id : {expert_w1, expert_w3}) {
    require_absent(id, block);
    for (const StoredParts& parts : slots(block).items[id])
      require_absent(parts);
  }
  const std::vector<WeightView> both = stack(expert_w1_w3, block);
  const int64_t inner = config_.moe_intermediate_size;
  const StoredParts& parts =
      slots(block).whole[static_cast<size_t>(expert_w1_w3)];
  for (const WeightView& view : both) {
    moe.expert_gate.push_back(reader_.row_part(view, 0, inner, *parts.weight));
    moe.expert_up.push_back(
        reader_.row_part(view, inner, inner, *parts.weight));
  }
}

HyperConnectionWeights ModelBinder::bind_hyper_connection(
    BlockIndex block, TensorId fn, TensorId base, TensorId scale) {
  HyperConnectionWeights weights;
  weights.fn = plain(fn, block);
  weights.base = floats(base, block);
  weights.scale = floats(scale, block);
  return weights;
}

AttentionWeights ModelBinder::bind_attention(BlockIndex block) {
  AttentionWeights weights;
  weights.wq_a = matrix(wq_a, block);
  weights.q_norm = plain(q_norm, block);
  weights.wq_b = matrix(wq_b, block);
  weights.wkv = matrix(wkv, block);
  weights.kv_norm = plain(kv_norm, block);
  weights.wo_a = stack(wo_a, block);
  weights.wo_b = matrix(wo_b, block);
  weights.attn_sink = plain(attn_sink, block);
  if (occurs(config_, compressor_wkv, block)) {
    weights.compressor.wkv = matrix(compressor_wkv, block);
    weights.compressor.wgate = matrix(compressor_wgate, block);
    weights.compressor.ape = plain(compressor_ape, block);
    weights.compressor.norm = plain(compressor_norm, block);
  }
  if (occurs(config_, indexer_wq_b, block)) {
    IndexerWeights& indexer = weights.indexer;
    indexer.wq_b = matrix(indexer_wq_b, block);
    indexer.weights_proj = matrix(indexer_weights_proj, block);
    indexer.compressor.wkv = matrix(indexer_compressor_wkv, block);
    indexer.compressor.wgate = matrix(indexer_compressor_wgate, block);
    indexer.compressor.ape = plain(indexer_compressor_ape, block);
    indexer.compressor.norm = plain(indexer_compressor_norm, block);
  }
  return weights;
}

MoeWeights ModelBinder::bind_moe(BlockIndex block) {
  MoeWeights weights;
  weights.gate = plain(gate, block);
  if (occurs(config_, gate_bias, block))
    weights.gate_bias = plain(gate_bias, block);
  StoredParts table;
  if (occurs(config_, tid2eid, block) && has_weight(tid2eid, block, table)) {
    weights.tid2eid = reader_.ids(
        table,
        logical_shape(config_, tid2eid, LayerKind::window),
        weights.tid2eid_is_64_bit);
    report_.count_logical(tid2eid, block, {}, 1, table);
  }
  const StoredParts& fused =
      slots(block).whole[static_cast<size_t>(expert_w1_w3)];
  if (fused.weight != nullptr || fused.scales != nullptr) {
    split_gate_up(block, weights);
  } else {
    weights.expert_gate = stack(expert_w1, block);
    weights.expert_up = stack(expert_w3, block);
  }
  weights.expert_down = stack(expert_w2, block);
  weights.shared_gate = matrix(shared_w1, block);
  weights.shared_up = matrix(shared_w3, block);
  weights.shared_down = matrix(shared_w2, block);
  return weights;
}

LayerWeights ModelBinder::bind_layer(BlockIndex block) {
  LayerWeights weights;
  weights.attn_norm = plain(attn_norm, block);
  weights.ffn_norm = plain(ffn_norm, block);
  weights.hc_attn =
      bind_hyper_connection(block, hc_attn_fn, hc_attn_base, hc_attn_scale);
  weights.hc_ffn =
      bind_hyper_connection(block, hc_ffn_fn, hc_ffn_base, hc_ffn_scale);
  weights.attention = bind_attention(block);
  weights.moe = bind_moe(block);
  return weights;
}

MtpWeights ModelBinder::bind_mtp(BlockIndex block) {
  MtpWeights weights;
  weights.block = bind_layer(block);
  weights.e_proj = matrix(mtp_e_proj, block);
  weights.h_proj = matrix(mtp_h_proj, block);
  weights.enorm = plain(mtp_enorm, block);
  weights.hnorm = plain(mtp_hnorm, block);
  weights.norm = plain(mtp_norm, block);
  weights.hc_head = bind_hyper_connection(
      block, mtp_hc_head_fn, mtp_hc_head_base, mtp_hc_head_scale);
  return weights;
}

}  // namespace hadal
