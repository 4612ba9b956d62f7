// Compressed rows: pooled windows of tokens (spec 3.7, 4.3).
#pragma once

#include <cstdint>
#include <vector>

#include "model/pass.h"

namespace hadal {

// Projects the chunk's tokens x [tokens, D], pools every window that they
// complete, and appends the rows to the layer's compressed rows. Layers of
// ratio 4 and 128.
void append_compressed_rows(
    const Pass& pass, const NetworkLayer& layer, const float* x);

// The same for the indexer's rows. Ratio 4 only.
void append_index_rows(
    const Pass& pass, const NetworkLayer& layer, const float* x);

// Norm, rotation at `positions` [count] and, with kv_fp8, the FP8 round trip of
// the channels that do not rotate: what window rows and compressed rows [count,
// head_dim] have in common. In place.
void finish_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    const std::vector<float>& norm,
    const int64_t* positions,
    float* rows,
    int64_t count);

}  // namespace hadal
