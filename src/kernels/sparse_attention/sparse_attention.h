// Contract of attention over a query's own list of latent rows (spec 3.4
// to 3.6).
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
//   out = (sum_j e_j k_j) / (sum_j e_j + exp(sink - M)),
// and then, when output_rotary > 0, the inverse rotation of the last channels
// at position p, as rotary.h has it. The sink has no row and is not scaled.
// Every query has at least one key, its own position.
//
// Nothing is rounded below float32: with q and the e_j in bfloat16, as the
// official code has them, the default misses its bar
// (docs/notes/2026-11-24-attention.md).
//
// Order of the sums in the cpu backend (it depends on the token's own list
// alone, so the same bits come out whatever the chunk, the other tokens, the
// threads, the instruction set, and whether a row lies in the ring or in the
// chunk):
//   q . k: fused multiply-add from zero, in blocks of 32 channels, in a block
//     the even channels first, then the odd ones.
//   sum e and sum e k: partial sums over the window and over every 256
//     compressed keys, each in increasing j from zero (fused in the second),
//     are added in order; then the sink's term.
//
// Order of the sums on CUDA (again of the token's own list alone). q and the
// e_j are split into two bfloat16 numbers each, which is exact to 2^-18 (the
// sum of the e_j takes them as they are then); keys are bfloat16 numbers, in
// float32 layouts three of them. The window's and the compressed keys are cut,
// each from its first key on, into tiles of 64 (32 where one of the layouts is
// float32).
//   q . k: matrix instructions over 16 channels, in each the high part of q
//     first, over a quarter each of the channels (rounded up to a multiple of
//     64); the quarters are added in order.
//   sum e, sum e k: within a span an online softmax from tile to tile, 16 keys
//     an instruction, the high part of e first; a tile of the window is a span,
//     and of compressed tiles the smallest power of two that leaves 32 spans.
//     Spans are added in order, both sides scaled to the larger maximum; then
//     the sink's term.
// It takes dim <= 512, dim and dim - rotary multiples of 4, and equal heads,
// dims and layouts of all sequences of a call. Scratch: 32 and a few partial
// sums of [heads, dim] a token, for at most 96 tokens.
//
// Formats: rows in f32, bf16 or fp8, window and compressed rows each in their
// own; all inside is float32. `out` overlaps nothing. Scratch memory: heads *
// keys of one token and dim * keys a thread, and dim * rows of the call where
// all tokens see the same compressed rows; nothing of size [tokens, keys]
// exists (spec 9, trap 23).
void sparse_attention_reference(
    const SparseAttentionParams& params, ThreadTeam& team);
void sparse_attention_cpu(
    const SparseAttentionParams& params, ThreadTeam& team);

}  // namespace hadal
