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
// The same for the indexer's rows, to work.index_z and work.index_g. Ratio 4
// only.
void project_index_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    const float* x,
    ProductList& products);

// When those have run: pools every window that the tokens complete, and appends
// the rows to the layer's compressed rows and, in a ratio-4 layer, to the
// indexer's. Adds to `stores` what of the chunk enters the pooling histories,
// which nothing may read any more then.
void append_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    std::vector<StoreRowsParams>& stores);

// Norm, rotation and, with kv_fp8, the FP8 round trip of the channels that do
// not rotate: what window rows and compressed rows have in common.
RowFinish latent_finish(
    const Pass& pass, const NetworkLayer& layer, const KernelVector& norm);

}  // namespace hadal
