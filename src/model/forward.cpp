#include "model/forward.h"

#include "model/embedding.h"

namespace hadal {

void run_trunk(const Pass& pass, const LayerHook& on_layer) {
  const ModelConfig& config = pass.config();
  float* const streams = pass.work.streams.reserve(
      pass.chunk.tokens() * config.hc_mult * config.hidden_size);
  embed_streams(pass, streams);
  run_blocks(pass, pass.network.layers, streams, on_layer);
}

}  // namespace hadal
