#include "model/head.h"

#include <algorithm>

#include "model/products.h"

namespace hadal {

void run_head(
    const Pass& pass,
    const HyperConnectionWeights& hc,
    const std::vector<float>& norm,
    const float* streams,
    std::span<const int64_t> rows,
    float* logits) {
  const ModelConfig& config = pass.config();
  const int64_t dim = config.hidden_size;
  const int64_t row_size = config.hc_mult * dim;
  const auto wanted = static_cast<int64_t>(rows.size());
  if (wanted == 0)
    return;
  float* const gathered = pass.work.head_streams.reserve(wanted * row_size);
  for (int64_t i = 0; i < wanted; ++i)
    std::copy_n(
        streams + rows[static_cast<size_t>(i)] * row_size,
        row_size,
        gathered + i * row_size);
  float* const x = pass.work.head_x.reserve(wanted * dim);
  pass.backend.hyper_connection_head(
      {.streams = gathered,
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
