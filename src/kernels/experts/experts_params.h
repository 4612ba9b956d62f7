// The routed experts of a layer and its shared expert (spec 5.2).
#pragma once

#include <cstdint>

#include "kernels/linear/linear_params.h"
#include "kernels/weight_view.h"

namespace hadal {

// y[t] = sum over k, in order of expert id, of
//          W2_e * (weight[t, k] * silu(min(W1_e x, limit)) *
//                  clamp(W3_e x, -limit, limit)),
// then + the shared expert with weight 1, the same clamps. float32 throughout
// but for what ActivationFormat does to the products' inputs. `limit` <= 0:
// no clamps. An expert may occur once a token.
struct ExpertsParams {
  const float* x = nullptr;  // [tokens, hidden]
  float* y = nullptr;        // [tokens, hidden], overwritten
  int64_t tokens = 0;
  int64_t hidden = 0;
  int64_t inner = 0;
  int64_t per_token = 0;
  const int32_t* indices = nullptr;  // [tokens, per_token] expert ids
  const float* weights = nullptr;    // [tokens, per_token]
  ExpertWeights experts;
  // The same views as arrays in a device's memory, for kernels that run there.
  ExpertWeights device_experts;
  WeightView shared_gate;  // [inner * shared experts, hidden]
  WeightView shared_up;
  WeightView shared_down;
  float limit = 0;
  bool gemm_fp8 = false;  // round the products' inputs as spec 8.1 (a) first
  ActivationFormat expert_activation = ActivationFormat::f32;
  ActivationFormat shared_activation = ActivationFormat::f32;
};

}  // namespace hadal
