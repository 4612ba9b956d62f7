// What comes before and after the experts' two products: activations as the
// matrix instructions take them, pairs by expert, the sum over a token's
// experts.
#pragma once

#include "kernels/experts/expert_products.h"

namespace hadal::cuda {

// x [rows, cols] as float32; `to` null: not wanted.
struct ExpertInputJob {
  const float* x = nullptr;
  ExpertNumbers to;
};

// indices [pairs] of expert ids below `experts`.
struct ExpertGroupJob {
  const int32_t* indices = nullptr;  // null: not wanted
  int32_t pairs = 0;
  int32_t per_token = 1;
  int32_t experts = 0;
  int32_t columns = 1;
  ExpertGroups to;
};

// One launch for all three.
void prepare_experts(
    const ExpertInputJob& routed,
    const ExpertInputJob& shared,
    const ExpertGroupJob& groups);

// y[t] = 0 (or y[t] when `adds`), plus the rows of `scratch` of t's pairs in
// order of expert id, then its shared row, number first_shared + t.
struct ExpertSums {
  const int32_t* indices = nullptr;
  const int32_t* places = nullptr;  // the row of a pair; null: the pair itself
  int32_t tokens = 0;
  int32_t per_token = 0;  // 0: no routed experts
  int64_t first_shared = 0;
  bool shared = false;
  bool adds = false;
  int64_t hidden = 0;
  const float* scratch = nullptr;
  float* y = nullptr;
};
void sum_experts(const ExpertSums& sums);

}  // namespace hadal::cuda
