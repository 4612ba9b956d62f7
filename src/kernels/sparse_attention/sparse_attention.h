// Contract of attention over a query's own list of latent rows (spec 3.4, 3.5).
#pragma once

#include "base/thread_team.h"
#include "kernels/sparse_attention/sparse_attention_params.h"

namespace hadal {

// The key list of token t at position p = first_position + t, in this order:
//   1. the window: positions max(0, p - window + 1) .. p, increasing. Positions
//      >= first_position lie in chunk_rows, row t' for position
//      first_position + t'; older ones in the ring, slot (position mod
//      ring_capacity), ring_capacity >= window - 1.
//   2. compressed rows: with `selected`, selected[t, 0 .. counts[t]) in that
//      order; without, all rows s < (p + 1) / ratio; none when ratio is 0.
// One row is key and value of every head. For each head:
//   s_j = scale * (q . k_j),  M = max(max_j s_j, sink),  e_j = exp(s_j - M),
//   out = (sum_j e_j k_j) / (sum_j e_j + exp(sink - M)).
// The sink has no row and is not scaled. Every query has at least one key, its
// own position.
//
// Order of the sums in the cpu backend (it depends on dim and on the token's
// own list alone, so the same bits come out whatever the chunk, the other
// tokens, the threads, and whether a row lies in the ring or in the chunk):
//   q . k: 16 lanes, lane = channel mod 16, fused multiply-add in increasing
//     channel; a tree joins them (l takes l + 8, then l + 4, l + 2, l + 1).
//   sum e: 16 lanes, lane = j mod 16, increasing j; the same tree; then the
//     sink's term.
//   sum e k: per channel, tiles of 64 keys counted from the start of the list,
//     fused multiply-add in increasing j from zero; tiles added in order.
//
// Formats: rows in f32, bf16 or fp8, window and compressed rows each in their
// own; all inside is float32. `out` overlaps nothing. Scratch memory a thread
// is bounded by heads * keys of one token; nothing of size [tokens, keys, dim]
// exists (spec 9, trap 23).
void sparse_attention_reference(
    const SparseAttentionParams& params, ThreadTeam& team);
void sparse_attention_cpu(
    const SparseAttentionParams& params, ThreadTeam& team);

}  // namespace hadal
