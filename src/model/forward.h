// The one way through the model, for any tokens of any sequences.
#pragma once

#include "model/block.h"

namespace hadal {

// Embeds the chunk, runs every trunk layer, and leaves the residual streams in
// work.streams. Rows are appended to the caches; the caller advances their
// lengths when all of the chunk is done.
void run_trunk(const Pass& pass, const LayerHook& on_layer);

}  // namespace hadal
