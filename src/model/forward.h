// The one way through the model, for any tokens of any sequences.
#pragma once

#include <functional>

#include "model/pass.h"

namespace hadal {

// Called after a trunk layer with the residual streams [tokens, n, D].
using LayerHook = std::function<void(int64_t layer, const float* streams)>;

// Embeds the chunk, runs every trunk layer, and leaves the residual streams in
// work.streams. Rows are appended to the caches; the caller advances their
// lengths when all of the chunk is done.
void run_trunk(const Pass& pass, const LayerHook& on_layer);

}  // namespace hadal
