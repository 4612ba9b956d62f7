// The attention half of a layer (spec 3).
#pragma once

#include "model/pass.h"

namespace hadal {

// y [tokens, D] of x [tokens, D] (after the norm). Reads the caches of the
// chunk's sequences and appends their new rows; the lengths stay.
void run_attention(
    const Pass& pass, const NetworkLayer& layer, const float* x, float* y);

}  // namespace hadal
