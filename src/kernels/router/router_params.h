// Which experts a token goes to, and with what weight (spec 5.1).
#pragma once

#include <cstdint>

namespace hadal {

// r = sqrt(softplus(logits)); learned layers take the `per_token` largest of
// r + bias (ties: the lower id), hash layers take tid2eid[token]; the weights
// are r of the chosen, divided by their sum, times `scale`. Indices come out in
// increasing order of expert id, weights beside them.
struct RouterParams {
  const float* logits = nullptr;  // [tokens, experts]
  int64_t tokens = 0;
  int64_t experts = 0;
  int64_t per_token = 0;
  const float* bias = nullptr;           // [experts]; null in a hash layer
  const void* tid2eid = nullptr;         // [vocabulary, per_token]; hash layers
  const void* device_tid2eid = nullptr;  // its copy in a device's memory
  bool tid2eid_is_64_bit = true;         // int64 (release) or int32 (MLX)
  const int32_t* token_ids = nullptr;    // [tokens], hash layers
  float scale = 1;
  int32_t* indices = nullptr;  // [tokens, per_token]
  float* weights = nullptr;    // [tokens, per_token]
};

}  // namespace hadal
