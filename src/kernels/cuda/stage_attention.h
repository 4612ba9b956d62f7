// Copies in device memory of what a call of the attention or of the indexer
// reads and writes.
#pragma once

#include "kernels/cuda/stage.h"
#include "kernels/indexer/indexer_params.h"
#include "kernels/sparse_attention/sparse_attention_params.h"

namespace hadal::cuda {

// The same parameters with pointers to the device; `stage` holds the copies,
// and its finish() brings back what was written.
SparseAttentionParams stage_in(
    Stage& stage, const SparseAttentionParams& params);
IndexerParams stage_in(Stage& stage, const IndexerParams& params);

}  // namespace hadal::cuda
