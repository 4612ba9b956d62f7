#include "model/moe.h"

#include "model/products.h"

namespace hadal {
namespace {

// Of three products that go together. A checkpoint may store each in a format
// of its own; where these ask for different roundings, none is applied.
ActivationFormat activation_of(
    const WeightView& gate,
    const WeightView& up,
    const WeightView& down,
    const Numerics& numerics) {
  const ActivationFormat format = activation_for(gate, numerics);
  const bool all_agree = format == activation_for(up, numerics) &&
                         format == activation_for(down, numerics);
  return all_agree ? format : ActivationFormat::f32;
}

}  // namespace

void run_moe(
    const Pass& pass, const NetworkLayer& layer, const float* x, float* y) {
  const ModelConfig& config = pass.config();
  const MoeWeights& weights = layer.weights->moe;
  const int64_t tokens = pass.chunk.tokens();
  const int64_t per_token = config.num_experts_per_tok;
  Workspace& work = pass.work;

  float* const logits = work.gate.reserve(tokens * config.n_routed_experts);
  float32_product(
      pass,
      x,
      config.hidden_size,
      weights.gate,
      logits,
      config.n_routed_experts,
      tokens);

  int32_t* const indices = work.experts.reserve(tokens * per_token);
  float* const scales = work.expert_weights.reserve(tokens * per_token);
  pass.backend.router(
      {.logits = logits,
       .tokens = tokens,
       .experts = config.n_routed_experts,
       .per_token = per_token,
       .bias = layer.hash_routed ? nullptr : layer.gate_bias.data(),
       .tid2eid = layer.hash_routed ? weights.tid2eid : nullptr,
       .device_tid2eid = weights.device.tid2eid,
       .tid2eid_is_64_bit = weights.tid2eid_is_64_bit,
       .token_ids = pass.chunk.ids.data(),
       .scale = config.routed_scaling_factor,
       .indices = indices,
       .weights = scales},
      pass.team);

  const Numerics& numerics = pass.network.numerics;
  pass.backend.experts(
      {.x = x,
       .y = y,
       .tokens = tokens,
       .hidden = config.hidden_size,
       .inner = config.moe_intermediate_size,
       .per_token = per_token,
       .indices = indices,
       .weights = scales,
       .experts = weights.experts(),
       .device_experts = weights.device.experts,
       .shared_gate = weights.shared_gate,
       .shared_up = weights.shared_up,
       .shared_down = weights.shared_down,
       .limit = config.swiglu_limit,
       .gemm_fp8 = numerics.gemm_fp8,
       .expert_activation = activation_of(
           weights.expert_gate[0],
           weights.expert_up[0],
           weights.expert_down[0],
           numerics),
       .shared_activation = activation_of(
           weights.shared_gate,
           weights.shared_up,
           weights.shared_down,
           numerics)},
      pass.team);
}

}  // namespace hadal
