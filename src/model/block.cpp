#include "model/block.h"

#include "model/attention.h"
#include "model/moe.h"
#include "model/products.h"

namespace hadal {
namespace {

// Mixes the streams into x, runs `half` on its norm, and mixes the result back.
template <class Half>
void run_half(
    const Pass& pass,
    const HyperConnectionWeights& hc,
    const std::vector<float>& norm,
    float* streams,
    const Half& half) {
  const ModelConfig& config = pass.config();
  const int64_t tokens = pass.chunk.tokens();
  const int64_t n = config.hc_mult;
  const int64_t dim = config.hidden_size;
  Workspace& work = pass.work;
  float* const x = work.x.reserve(tokens * dim);
  float* const y = work.y.reserve(tokens * dim);
  float* const post = work.post.reserve(tokens * n);
  float* const comb = work.comb.reserve(tokens * n * n);
  pass.backend.hyper_connection_pre(
      {.streams = streams,
       .tokens = tokens,
       .n = n,
       .dim = dim,
       .fn = hc.fn,
       .base = hc.base,
       .scale = hc.scale,
       .sinkhorn_iterations = config.hc_sinkhorn_iters,
       .norm_eps = config.rms_norm_eps,
       .hc_eps = config.hc_eps,
       .x = x,
       .post = post,
       .comb = comb},
      pass.team);
  norm_rows(pass, x, norm, x, tokens, dim);
  half(x, y);
  pass.backend.hyper_connection_post(
      {.y = y,
       .streams = streams,
       .post = post,
       .comb = comb,
       .tokens = tokens,
       .n = n,
       .dim = dim,
       .out = streams},
      pass.team);
}

}  // namespace

void run_block(const Pass& pass, const NetworkLayer& layer, float* streams) {
  run_half(
      pass,
      layer.weights->hc_attn,
      layer.attn_norm,
      streams,
      [&](const float* x, float* y) { run_attention(pass, layer, x, y); });
  run_half(
      pass,
      layer.weights->hc_ffn,
      layer.ffn_norm,
      streams,
      [&](const float* x, float* y) { run_moe(pass, layer, x, y); });
}

}  // namespace hadal
