// The mixture of experts of a layer (spec 5).
#pragma once

#include "model/pass.h"

namespace hadal {

// y [tokens, D] = routed experts + shared expert of x [tokens, D].
void run_moe(
    const Pass& pass, const NetworkLayer& layer, const float* x, float* y);

}  // namespace hadal
