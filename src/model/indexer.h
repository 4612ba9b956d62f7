// The choice of compressed rows in a ratio-4 layer (spec 3.8).
#pragma once

#include "model/pass.h"

namespace hadal {

// For the tokens of the pass, a chunk or a tile of one: writes work.selected
// [tokens, index_topk] and work.counts [tokens]. `x`
// [tokens, D] is the attention input, `a` [tokens, qr] the normed query latent.
// The index rows that the chunk completes must be appended already.
void select_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    const float* x,
    const float* a);

}  // namespace hadal
