#include "model/network.h"

#include <utility>

#include "base/check.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/rotary/rotary.h"

namespace hadal {
namespace {

// All rows of a small tensor, widened.
KernelVector widened(const WeightView& view, MemorySource& memory) {
  std::vector<float> values(static_cast<size_t>(view.rows * view.cols));
  for (int64_t r = 0; r < view.rows; ++r)
    dequantize_row(view, r, values.data() + r * view.cols);
  return {values, memory};
}

CompressorVectors widened(
    const CompressorWeights& weights, MemorySource& memory) {
  return {widened(weights.ape, memory), widened(weights.norm, memory)};
}

NetworkLayer make_layer(
    const Network& network,
    const LayerWeights& weights,
    LayerKind kind,
    int64_t index,
    bool hash_routed,
    MemorySource& memory) {
  NetworkLayer layer;
  layer.weights = &weights;
  layer.kind = kind;
  layer.index = index;
  layer.hash_routed = hash_routed;
  layer.frequencies = kind == LayerKind::window
                          ? network.window_frequencies.data()
                          : network.compressed_frequencies.data();
  layer.attn_norm = widened(weights.attn_norm, memory);
  layer.ffn_norm = widened(weights.ffn_norm, memory);
  layer.q_norm = widened(weights.attention.q_norm, memory);
  layer.kv_norm = widened(weights.attention.kv_norm, memory);
  layer.sink = widened(weights.attention.attn_sink, memory);
  if (!hash_routed)
    layer.gate_bias = widened(weights.moe.gate_bias, memory);
  if (kind != LayerKind::window)
    layer.compressor = widened(weights.attention.compressor, memory);
  if (kind == LayerKind::sparse)
    layer.indexer = widened(weights.attention.indexer.compressor, memory);
  return layer;
}

}  // namespace

// `n` streams: 2n + n*n outputs of three kinds, or n of one before the head.
void Network::copy_mixing(
    HyperConnectionWeights& hc, int64_t n, MemorySource& memory) {
  const auto copy = [&](const float*& values, int64_t count) {
    mixing_vectors_.emplace_back(
        std::vector<float>(values, values + count), memory);
    values = mixing_vectors_.back().data();
  };
  copy(hc.base, hc.fn.rows);
  copy(hc.scale, hc.fn.rows == n ? 1 : 3);
}

Network::Network(
    ModelConfig given_config,
    ModelWeights given_weights,
    Numerics how,
    MemorySource& memory)
    : config(std::move(given_config)),
      weights(std::move(given_weights)),
      numerics(how) {
  HADAL_CHECK(
      static_cast<int64_t>(weights.layers.size()) == config.num_hidden_layers);
  window_frequencies = KernelVector(
      rotary_frequencies(config.rope_theta, config.qk_rope_head_dim), memory);
  compressed_frequencies = KernelVector(
      rotary_frequencies(
          config.compress_rope_theta,
          config.qk_rope_head_dim,
          YarnScaling{
              .factor = config.rope_factor,
              .original_positions = config.original_max_position_embeddings,
              .beta_fast = config.beta_fast,
              .beta_slow = config.beta_slow}),
      memory);
  copy_mixing(weights.hc_head, config.hc_mult, memory);
  for (LayerWeights& layer : weights.layers) {
    copy_mixing(layer.hc_attn, config.hc_mult, memory);
    copy_mixing(layer.hc_ffn, config.hc_mult, memory);
  }
  for (MtpWeights& stage : weights.mtp) {
    copy_mixing(stage.hc_head, config.hc_mult, memory);
    copy_mixing(stage.block.hc_attn, config.hc_mult, memory);
    copy_mixing(stage.block.hc_ffn, config.hc_mult, memory);
  }
  norm = widened(weights.norm, memory);
  for (int64_t i = 0; i < config.num_hidden_layers; ++i)
    layers.push_back(make_layer(
        *this,
        weights.layers[static_cast<size_t>(i)],
        config.layer_kinds[static_cast<size_t>(i)],
        i,
        config.hash_routed(i),
        memory));
  for (const MtpWeights& stage : weights.mtp) {
    NetworkMtp prepared;
    prepared.weights = &stage;
    // The MTP block is a window layer with a learned gate (spec 6.2).
    prepared.block = make_layer(
        *this,
        stage.block,
        LayerKind::window,
        config.num_hidden_layers + static_cast<int64_t>(mtp.size()),
        false,
        memory);
    prepared.enorm = widened(stage.enorm, memory);
    prepared.hnorm = widened(stage.hnorm, memory);
    prepared.norm = widened(stage.norm, memory);
    mtp.push_back(std::move(prepared));
  }
}

}  // namespace hadal
