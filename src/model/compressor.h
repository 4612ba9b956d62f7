// Compressed rows: pooled windows of tokens (spec 3.7, 4.3).
#pragma once

#include <cstdint>
#include <vector>

#include "model/pass.h"
#include "model/products.h"

namespace hadal {

// Adds the projections of the chunk's tokens x [tokens, D], to work.z and
// work.g. Layers of ratio 4 and 128.
void project_compressed_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    const float* x,
    ProductList& products);
// When those have run: pools every window that the tokens complete, and appends
// the rows to the layer's compressed rows.
void append_compressed_rows(const Pass& pass, const NetworkLayer& layer);

// The same for the indexer's rows, with work.index_z and work.index_g. Ratio 4
// only.
void project_index_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    const float* x,
    ProductList& products);
void append_index_rows(const Pass& pass, const NetworkLayer& layer);

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
