#include "model/network.h"

#include <utility>

#include "base/check.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/rotary/rotary.h"

namespace hadal {
namespace {

// All rows of a small tensor, widened.
std::vector<float> widened(const WeightView& view) {
  std::vector<float> values(static_cast<size_t>(view.rows * view.cols));
  for (int64_t r = 0; r < view.rows; ++r)
    dequantize_row(view, r, values.data() + r * view.cols);
  return values;
}

CompressorVectors widened(const CompressorWeights& weights) {
  return {widened(weights.ape), widened(weights.norm)};
}

NetworkLayer make_layer(
    const Network& network,
    const LayerWeights& weights,
    LayerKind kind,
    int64_t index,
    bool hash_routed) {
  NetworkLayer layer;
  layer.weights = &weights;
  layer.kind = kind;
  layer.index = index;
  layer.hash_routed = hash_routed;
  layer.frequencies = kind == LayerKind::window
                          ? network.window_frequencies.data()
                          : network.compressed_frequencies.data();
  layer.attn_norm = widened(weights.attn_norm);
  layer.ffn_norm = widened(weights.ffn_norm);
  layer.q_norm = widened(weights.attention.q_norm);
  layer.kv_norm = widened(weights.attention.kv_norm);
  layer.sink = widened(weights.attention.attn_sink);
  if (!hash_routed)
    layer.gate_bias = widened(weights.moe.gate_bias);
  if (kind != LayerKind::window)
    layer.compressor = widened(weights.attention.compressor);
  if (kind == LayerKind::sparse)
    layer.indexer = widened(weights.attention.indexer.compressor);
  return layer;
}

}  // namespace

Network::Network(
    ModelConfig given_config, ModelWeights given_weights, Numerics how)
    : config(std::move(given_config)),
      weights(std::move(given_weights)),
      numerics(how) {
  HADAL_CHECK(
      static_cast<int64_t>(weights.layers.size()) == config.num_hidden_layers);
  window_frequencies =
      rotary_frequencies(config.rope_theta, config.qk_rope_head_dim);
  compressed_frequencies = rotary_frequencies(
      config.compress_rope_theta,
      config.qk_rope_head_dim,
      YarnScaling{
          .factor = config.rope_factor,
          .original_positions = config.original_max_position_embeddings,
          .beta_fast = config.beta_fast,
          .beta_slow = config.beta_slow});
  norm = widened(weights.norm);
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    layers.push_back(make_layer(
        *this,
        weights.layers[static_cast<size_t>(i)],
        config.layer_kinds[static_cast<size_t>(i)],
        i,
        config.hash_routed(i)));
  for (const MtpWeights& stage : weights.mtp) {
    NetworkMtp prepared;
    prepared.weights = &stage;
    // The MTP block is a window layer with a learned gate (spec 6.2).
    prepared.block = make_layer(
        *this,
        stage.block,
        LayerKind::window,
        config.num_hidden_layers + static_cast<int64_t>(mtp.size()),
        false);
    prepared.enorm = widened(stage.enorm);
    prepared.hnorm = widened(stage.hnorm);
    prepared.norm = widened(stage.norm);
    mtp.push_back(std::move(prepared));
  }
}

}  // namespace hadal
