// Contract of the pooling of token windows into compressed rows (spec 3.7).
#pragma once

#include "base/thread_team.h"
#include "kernels/compressor_pool/compressor_pool_params.h"

namespace hadal {

// Row s of the output, channel e < dim, from the slots of window s:
//   ratio 128: tokens 128 s .. 128 s + 127, their channel e;
//   ratio 4: tokens 4 s - 4 .. 4 s - 1, their channel e (first half), then
//     tokens 4 s .. 4 s + 3, their channel dim + e (second half). Window 0 has
//     no previous one: four slots instead of eight.
//   M = max g, w = exp(g - M), out = (sum w z) / (sum w).
// The checkpoint stores the previous window's half first; swapping the halves
// is silent (spec 9, trap 5).
//
// Order of the sums: one accumulator each, slots in increasing position (the
// cpu backend fuses w z into its sum). So a row's bits depend on its own tokens
// alone, not on where they lie or where chunks begin.
//
// Guaranteed by the caller: ratio is 4 or 128; the token rows of every
// requested window lie in the chunk (positions >= chunk_start, up to the last
// window's end) or in the history ring; the gates hold no NaN and each window
// and channel has a finite one. chunk_z and chunk_g share chunk_stride; the
// history rows are contiguous. `out` overlaps nothing.
void compressor_pool_reference(
    const CompressorPoolParams& params, ThreadTeam& team);
void compressor_pool_cpu(const CompressorPoolParams& params, ThreadTeam& team);

}  // namespace hadal
