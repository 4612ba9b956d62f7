// Layers: attention half, then expert half, with the mixing of the residual
// streams between all of them (spec 2.3).
#pragma once

#include <functional>
#include <span>

#include "model/pass.h"

namespace hadal {

// Called after a layer with the residual streams [tokens, n, D].
using LayerHook = std::function<void(int64_t layer, const float* streams)>;

// Runs consecutive layers on the residual streams [tokens, n, D] in place and
// appends to the caches of the chunk's sequences (their lengths stay; see
// advance()). The end of one half and the start of the next are one operation,
// so the streams are read once for both. `on_layer` may be empty.
void run_blocks(
    const Pass& pass,
    std::span<const NetworkLayer> layers,
    float* streams,
    const LayerHook& on_layer = {});

}  // namespace hadal
