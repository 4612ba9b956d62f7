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
// ReLU acts before the weight; weights may be negative. Where the rows are FP4,
// q is rounded to FP4 too, in blocks of 32 channels by the rule of spec 8.2,
// which changes nothing in queries that went through that rounding.
//
// Order of the sums in the cpu backend. With f32 and bf16 rows: a dot product
// has one accumulator, fused multiply-add in increasing channel; the sum over
// heads likewise in increasing head. With FP4 rows: the products of a block of
// 32 channels are summed in integers, which is exact; these sums times their
// scales are added in increasing block by fused multiply-add (exact, too,
// unless scales lie far apart); heads go to 16 lanes, lane = head mod 16, fused
// multiply-add in increasing head, and a tree joins the lanes (l takes l + 8,
// then l + 4, l + 2, l + 1). So a score depends on its query and row alone, and
// the selection, being a strict order, on the scores alone: neither depends on
// chunks, other tokens, threads or the instruction set.
//
// Order of the sums on CUDA. FP4 rows of 32, 64 or 128 channels and up to 64
// heads: matrix instructions on bfloat16 numbers, which both sides are, four
// channels of each quarter of the row a step (exact, too, unless scales lie far
// apart); of the heads of every 16, one fused multiply-add accumulator for
// those equal modulo 8, in increasing head, and a tree joins the eight. Else
// fused multiply-add in increasing channel and head. top_k <= 4096, and heads,
// dim, top_k and layout are the same in all sequences of a call.
//
// Guaranteed by the caller: top_k >= 1; scores are not NaN (finite q, weights
// and rows); the rows visible to the last token are stored; with FP4 rows dim
// is a multiple of 32, at most 2048, the scales of a row's or a query's blocks
// lie between 2^-60 and 2^60 except those of blocks of zeros. Outputs overlap
// nothing. Scratch memory is bounded by top_k and the number of threads, and a
// bit a row; nothing of size [tokens, rows] exists.
void indexer_reference(const IndexerParams& params, ThreadTeam& team);
void indexer_cpu(const IndexerParams& params, ThreadTeam& team);

}  // namespace hadal
