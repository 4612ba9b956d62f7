#include "model/block.h"

#include "model/attention.h"
#include "model/moe.h"

namespace hadal {
namespace {

// The streams and what goes from the mixing before a half to the one after it:
// x and y of the half, and the coefficients of its end.
class Mixer {
 public:
  Mixer(const Pass& pass, float* streams)
      : pass_(pass),
        streams_(streams),
        n_(pass.config().hc_mult),
        dim_(pass.config().hidden_size) {
    const int64_t tokens = pass.chunk.tokens();
    x_ = pass.work.x.reserve(tokens * dim_);
    y_ = pass.work.y.reserve(tokens * dim_);
    post_ = pass.work.post.reserve(tokens * n_);
    comb_ = pass.work.comb.reserve(tokens * n_ * n_);
  }

  const float* x() const { return x_; }
  float* y() { return y_; }

  // The start of the first half: x from the streams.
  void start(const HyperConnectionWeights& hc, const KernelVector& norm) {
    pass_.backend.hyper_connection_pre(pre(hc, norm), pass_.team);
  }
  // The end of a half and the start of the next: y into the streams, x from
  // them.
  void next(const HyperConnectionWeights& hc, const KernelVector& norm) {
    pass_.backend.hyper_connection_between(
        {.post = post(), .pre = pre(hc, norm)}, pass_.team);
  }
  // The end of the last half: y into the streams.
  void finish() { pass_.backend.hyper_connection_post(post(), pass_.team); }

 private:
  HyperConnectionPreParams pre(
      const HyperConnectionWeights& hc, const KernelVector& norm) const {
    const ModelConfig& config = pass_.config();
    return {
        .streams = streams_,
        .tokens = pass_.chunk.tokens(),
        .n = n_,
        .dim = dim_,
        .fn = hc.fn,
        .base = hc.base,
        .scale = hc.scale,
        .sinkhorn_iterations = config.hc_sinkhorn_iters,
        .norm_eps = config.rms_norm_eps,
        .hc_eps = config.hc_eps,
        .norm_weight = norm.data(),
        .x = x_,
        .post = post_,
        .comb = comb_};
  }
  HyperConnectionPostParams post() const {
    return {
        .y = y_,
        .streams = streams_,
        .post = post_,
        .comb = comb_,
        .tokens = pass_.chunk.tokens(),
        .n = n_,
        .dim = dim_,
        .out = streams_};
  }

  const Pass& pass_;
  float* streams_;
  int64_t n_;
  int64_t dim_;
  float* x_;
  float* y_;
  float* post_;
  float* comb_;
};

}  // namespace

void run_blocks(
    const Pass& pass,
    std::span<const NetworkLayer> layers,
    float* streams,
    const LayerHook& on_layer) {
  Mixer mixer(pass, streams);
  mixer.start(layers.front().weights->hc_attn, layers.front().attn_norm);
  for (size_t i = 0; i < layers.size(); ++i) {
    const NetworkLayer& layer = layers[i];
    run_attention(pass, layer, mixer.x(), mixer.y());
    mixer.next(layer.weights->hc_ffn, layer.ffn_norm);
    run_moe(pass, layer, mixer.x(), mixer.y());
    if (i + 1 < layers.size())
      mixer.next(layers[i + 1].weights->hc_attn, layers[i + 1].attn_norm);
    else
      mixer.finish();
    if (on_layer)
      on_layer(layer.index, streams);
  }
}

}  // namespace hadal
