// Token ids to vectors (spec 2.2).
#pragma once

#include "model/pass.h"

namespace hadal {

// out [tokens, D]: the embedding rows of the chunk's ids, widened.
void embed_tokens(const Pass& pass, float* out);

// streams [tokens, n, D]: the embedding copied to all residual streams.
void embed_streams(const Pass& pass, float* streams);

}  // namespace hadal
