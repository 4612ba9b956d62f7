// The choice of compressed rows in a ratio-4 layer (spec 3.8).
#pragma once

#include "model/pass.h"
#include "model/products.h"

namespace hadal {

// The products of select_rows: adds the weights of the index heads to `inputs`,
// out of the attention input x [tokens, D], and the index queries to `queries`,
// out of the normed query latent a [tokens, qr].
void project_index_weights(
    const Pass& pass,
    const NetworkLayer& layer,
    const float* x,
    ProductList& inputs);
void project_index_queries(
    const Pass& pass,
    const NetworkLayer& layer,
    const float* a,
    ProductList& queries);

// When those have run, for the tokens of the pass, a chunk or a tile of one:
// writes work.selected [tokens, index_topk] and work.counts [tokens]. The index
// rows that the tokens complete must be appended already.
void select_rows(const Pass& pass, const NetworkLayer& layer);

// Rotation and rounding of the index queries, for finish_rows before that.
FinishRowsParams index_query_finish(
    const Pass& pass, const NetworkLayer& layer);

}  // namespace hadal
