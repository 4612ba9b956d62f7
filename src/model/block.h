// One layer: attention half, then expert half, each between the mixing of the
// residual streams (spec 2.3).
#pragma once

#include "model/pass.h"

namespace hadal {

// Runs the block on the residual streams [tokens, n, D] in place and appends to
// the caches of the chunk's sequences (their lengths stay; see advance()).
void run_block(const Pass& pass, const NetworkLayer& layer, float* streams);

}  // namespace hadal
