#include "model/head.h"

#include "model/products.h"

namespace hadal {

void run_head(
    const Pass& pass,
    const HyperConnectionWeights& hc,
    const KernelVector& norm,
    const float* streams,
    std::span<const int64_t> rows,
    float* logits) {
  const ModelConfig& config = pass.config();
  const int64_t dim = config.hidden_size;
  const auto wanted = static_cast<int64_t>(rows.size());
  if (wanted == 0)
    return;
  float* const x = pass.work.head_x.reserve(wanted * dim);
  pass.backend.hyper_connection_head(
      {.streams = streams,
       .rows = rows.data(),
       .tokens = wanted,
       .n = config.hc_mult,
       .dim = dim,
       .fn = hc.fn,
       .base = hc.base,
       .scale = hc.scale,
       .norm_eps = config.rms_norm_eps,
       .hc_eps = config.hc_eps,
       .norm_weight = norm.data(),
       .x = x},
      pass.team);
  float32_product(
      pass,
      x,
      dim,
      pass.network.weights.head,
      logits,
      config.vocab_size,
      wanted);
}

}  // namespace hadal
