// Contract of the indexer: which compressed rows a query attends to (spec 3.8).
#pragma once

#include "base/thread_team.h"
#include "kernels/indexer/indexer_params.h"

namespace hadal {

// Token t at position p = first_position + t sees the rows s < V, where
// V = (p + 1) / ratio (integer division):
//   counts[t] = min(top_k, V);
//   V <= top_k: selected[t] = 0 .. V - 1, no score is computed;
//   else the top_k rows by
//     score_s = sum_h weights[t, h] * max(0, q[t, h] . k_s)
//   in the strict order (higher score first, of equal scores the lower row),
//   written in increasing order of row.
// Entries of `selected` from counts[t] on are left as they were.
// ReLU acts before the weight; weights may be negative.
//
// Order of the sums in the cpu backend: a dot product has one accumulator,
// fused multiply-add in increasing channel; the sum over heads likewise in
// increasing head. So a score depends on its query and row alone, and the
// selection, being a strict order, on the scores alone: neither depends on
// chunks, other tokens or threads.
//
// Guaranteed by the caller: top_k >= 1; scores are not NaN (finite q, weights
// and rows); the rows visible to the last token are stored. Outputs overlap
// nothing. Scratch memory is bounded by top_k and the number of threads, not by
// the rows.
void indexer_reference(const IndexerParams& params, ThreadTeam& team);
void indexer_cpu(const IndexerParams& params, ThreadTeam& team);

}  // namespace hadal
