#include "model/workspace.h"

#include <algorithm>

namespace hadal {

int64_t workspace_bytes_per_token(const ModelConfig& config) {
  const int64_t d = config.hidden_size;
  const int64_t attention = config.num_attention_heads * config.head_dim;
  const int64_t latent = config.o_groups * config.o_lora_rank;
  const int64_t floats =
      2 * config.hc_mult * d + 2 * d               // streams, x, y
      + std::max(attention, config.group_width())  // rounded
      + 2 * attention + latent                     // q, o, u
      + config.q_lora_rank + 5 * config.head_dim   // a, kv, z, g
      + config.index_n_heads * config.index_head_dim + config.index_topk +
      config.n_routed_experts
      // The experts' inputs, hidden values and outputs, sorted by expert.
      + (config.num_experts_per_tok + config.n_shared_experts) *
            (2 * d + 2 * config.moe_intermediate_size);
  return floats * static_cast<int64_t>(sizeof(float));
}

}  // namespace hadal
