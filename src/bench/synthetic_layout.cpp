#include "bench/synthetic_layout.h"

#include <utility>

#include "kernels/synthetic_weight.h"
#include "weights/tensor_registry.h"

namespace hadal {
namespace {

using enum TensorId;

constexpr int64_t kAlignment = 256;  // as devices have it
constexpr WeightView kFloats = {.format = WeightFormat::f32};
constexpr WeightView kPlain = {.format = WeightFormat::bf16};

class LayoutMaker {
 public:
  explicit LayoutMaker(const SyntheticSpec& spec) : spec_(spec) {}

  SyntheticLayout take() { return std::move(out_); }

  void model(ModelWeights& weights) {
    const ModelConfig& config = spec_.config;
    weights.layers.resize(static_cast<size_t>(config.num_hidden_layers));
    out_.vectors.resize(2 * weights.layers.size() + 1);
    for (size_t i = 0; i < weights.layers.size(); ++i)
      layer(weights.layers[i], static_cast<int64_t>(i));
    const BlockIndex block;
    hyper_connection(
        weights.hc_head, block, {hc_head_fn, hc_head_base, hc_head_scale});
    constant(weights.norm, norm, block, 1);
    matrix(weights.head, head, block, spec_.recipe.embedding);
  }

 private:
  struct HyperIds {
    TensorId fn;
    TensorId base;
    TensorId scale;
  };

  static size_t index(SyntheticReader reader) {
    return static_cast<size_t>(reader);
  }

  void add(
      WeightView& view,
      TensorId id,
      BlockIndex block,
      WeightView like,
      SyntheticPlace place) {
    const LogicalShape shape =
        logical_shape(spec_.config, id, layer_kind(spec_.config, block));
    like.rows = shape.rows;
    like.cols = shape.cols;
    view = like;
    int64_t& end = out_.ends[index(place.reader)];
    place.view = &view;
    place.offset = end;
    out_.places.push_back(place);
    end += (layout_bytes(like) + kAlignment - 1) / kAlignment * kAlignment;
  }
  void matrix(
      WeightView& view, TensorId id, BlockIndex block, const WeightView& like) {
    add(view, id, block, like, {});
  }
  void constant(WeightView& view, TensorId id, BlockIndex block, float value) {
    add(view,
        id,
        block,
        kFloats,
        {.reader = SyntheticReader::network,
         .content = SyntheticContent::constant,
         .value = value});
  }
  void position_bias(WeightView& view, TensorId id, BlockIndex block) {
    add(view, id, block, kFloats, {.reader = SyntheticReader::network});
  }
  void stack(
      std::vector<WeightView>& views,
      int64_t count,
      TensorId id,
      BlockIndex block,
      const WeightView& like) {
    views.resize(static_cast<size_t>(count));
    for (WeightView& view : views)
      matrix(view, id, block, like);
  }

  void hyper_connection(
      HyperConnectionWeights& weights, BlockIndex block, const HyperIds& ids) {
    SyntheticVectors& hyper = out_.vectors[hypers_++];
    hyper.weights = &weights;
    matrix(weights.fn, ids.fn, block, kFloats);
    constant(hyper.base, ids.base, block, 0);
    constant(hyper.scale, ids.scale, block, 1);
  }

  void layer(LayerWeights& weights, int64_t number) {
    const BlockIndex block = {TensorScope::layer, number};
    hyper_connection(
        weights.hc_attn, block, {hc_attn_fn, hc_attn_base, hc_attn_scale});
    constant(weights.attn_norm, attn_norm, block, 1);
    attention(weights.attention, block);
    hyper_connection(
        weights.hc_ffn, block, {hc_ffn_fn, hc_ffn_base, hc_ffn_scale});
    constant(weights.ffn_norm, ffn_norm, block, 1);
    moe(weights.moe, block);
  }

  void attention(AttentionWeights& weights, BlockIndex block) {
    const SyntheticRecipe& recipe = spec_.recipe;
    matrix(weights.wq_a, wq_a, block, recipe.dense);
    constant(weights.q_norm, q_norm, block, 1);
    matrix(weights.wq_b, wq_b, block, recipe.dense);
    matrix(weights.wkv, wkv, block, recipe.dense);
    constant(weights.kv_norm, kv_norm, block, 1);
    if (occurs(spec_.config, compressor_wkv, block)) {
      CompressorWeights& compressor = weights.compressor;
      matrix(compressor.wkv, compressor_wkv, block, recipe.rest);
      matrix(compressor.wgate, compressor_wgate, block, recipe.rest);
      position_bias(compressor.ape, compressor_ape, block);
      constant(compressor.norm, compressor_norm, block, 1);
    }
    if (occurs(spec_.config, indexer_wq_b, block)) {
      IndexerWeights& indexer = weights.indexer;
      CompressorWeights& compressor = indexer.compressor;
      matrix(indexer.wq_b, indexer_wq_b, block, recipe.dense);
      matrix(indexer.weights_proj, indexer_weights_proj, block, recipe.rest);
      matrix(compressor.wkv, indexer_compressor_wkv, block, recipe.rest);
      matrix(compressor.wgate, indexer_compressor_wgate, block, recipe.rest);
      position_bias(compressor.ape, indexer_compressor_ape, block);
      constant(compressor.norm, indexer_compressor_norm, block, 1);
    }
    constant(weights.attn_sink, attn_sink, block, 0);
    stack(weights.wo_a, spec_.config.o_groups, wo_a, block, recipe.dense);
    matrix(weights.wo_b, wo_b, block, recipe.dense);
  }

  void moe(MoeWeights& weights, BlockIndex block) {
    const ModelConfig& config = spec_.config;
    const SyntheticRecipe& recipe = spec_.recipe;
    matrix(weights.gate, gate, block, kPlain);
    if (occurs(config, gate_bias, block))
      constant(weights.gate_bias, gate_bias, block, 0);
    if (occurs(config, tid2eid, block)) {
      int64_t& end = out_.ends[index(SyntheticReader::network)];
      out_.tables.push_back({&weights.tid2eid, end});
      end +=
          (config.vocab_size * config.num_experts_per_tok * 8 + 63) / 64 * 64;
    }
    const int64_t experts = config.n_routed_experts;
    stack(weights.expert_gate, experts, expert_w1, block, recipe.experts);
    stack(weights.expert_up, experts, expert_w3, block, recipe.experts);
    stack(weights.expert_down, experts, expert_w2, block, recipe.experts);
    matrix(weights.shared_gate, shared_w1, block, recipe.dense);
    matrix(weights.shared_up, shared_w3, block, recipe.dense);
    matrix(weights.shared_down, shared_w2, block, recipe.dense);
  }

  const SyntheticSpec& spec_;
  SyntheticLayout out_;  // `vectors` is sized once: places point into it
  size_t hypers_ = 0;
};

}  // namespace

void SyntheticLayout::finish() const {
  for (const SyntheticVectors& one : vectors) {
    one.weights->base = reinterpret_cast<const float*>(one.base.data);
    one.weights->scale = reinterpret_cast<const float*>(one.scale.data);
  }
}

SyntheticLayout lay_out_model(
    const SyntheticSpec& spec, ModelWeights& weights) {
  LayoutMaker maker(spec);
  maker.model(weights);
  return maker.take();
}

}  // namespace hadal
