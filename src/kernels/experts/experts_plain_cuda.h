// The mixture of experts without the matrix instructions: for float32 and odd
// shapes.
#pragma once

#include "kernels/experts/experts_params.h"

namespace hadal::cuda {

// The routed experts into y, or the shared one on top of it. Pointers as in
// experts_cuda; `gate` and `down` say what the views have in common.
void plain_routed_experts(
    const ExpertsParams& params,
    const WeightView& gate,
    const WeightView& down);
void plain_shared_expert(const ExpertsParams& params);

}  // namespace hadal::cuda
