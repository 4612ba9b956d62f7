// The next-token module: drafts the token after the next (spec 6.2).
#pragma once

#include "model/pass.h"

namespace hadal {

// `streams` [tokens, n, D] are the trunk's after its last layer, one row a
// token of the chunk; the chunk's ids are the tokens that FOLLOW those
// positions. Replaces the streams by the block's output and appends to the
// stage's window rings. The logits come from run_head with the stage's own
// mixing and norm.
void run_mtp(const Pass& pass, const NetworkMtp& stage, float* streams);

}  // namespace hadal
