// y = x * W^T: the order of the sums, which is part of the contract.
//
// The order depends on the weight's shape and format and on the activation
// format alone: never on the number of tokens, the threads, the instruction set
// or a token's place in the batch. linear_cpu keeps it to the bit on every
// instruction set. linear_reference says what is computed with plain sums in
// increasing K, so it differs from linear_cpu by rounding only.
//
// Activations f32, weights of every format:
//   w[k] = the value of dequantize_row (codecs/dequantize.h).
//   K is filled up with zeros to a multiple of 64. Sixteen accumulators begin
//   at 0. Of every 64 columns each takes four, j + 1, j, j + 9, j + 8 with
//   j = 16 (i / 4) + 2 (i mod 4) for accumulator i: acc = fma(x[k], w[k], acc).
//   Groups of 64 come in increasing order; then for h = 8, 4, 2, 1:
//   acc[i] += acc[i + h] for i < h; y = acc[0].
//
// Activations bf16, weights of every format but f32 and f16, which are refused
// (ErrorCode::internal). The same order, with
//   x[k] rounded to bfloat16, to nearest even; then below 2^-64 zero, from 2^87
//     on infinite.
//   mxfp4 and affine: w[k] as for f32 activations. (Of mxfp4 scales outside
//     2^-46 .. 2^40, which no weights have, the outputs are not part of the
//     contract.)
//   fp8_block, mxfp8 and bf16:
//   E8M0 scales: w[k] = code * scale, the scale at least 2^-46; where one is
//     above 2^40 or NaN, so are the outputs of its rows NaN;
//   fp8_block with F32 scales: the accumulators of each 128 columns begin at 0
//     with w[k] = code and go as acc = fma(block, scale, acc) to the row's;
//   bf16: weights below 2^-48 are zero.
//   So products and sums are multiples of 2^-126 and never subnormal: this is
//   what the bfloat16 dot product of AVX-512 computes, odd element first, which
//   takes subnormal numbers for zero, and what two fused multiply-adds do
//   elsewhere. The bits of a NaN are not part of the contract.
//
// Activations int8, weights mxfp4 and affine; int16, weights mxfp4. The other
// pairs are refused (ErrorCode::internal): their values do not fit.
//   K is filled up with zeros to a multiple of 32. In block b of 32, with amax
//   its largest magnitude and L = 127 for int8, 32639 for int16:
//     s[b] = amax / L,  c[k] = round to nearest even(x[k] * (L / amax));
//     amax below 2^-100: s[b] = 0 and c = 0; NaN or infinite: s[b] = NaN, c =
//     0.
//   Sixteen accumulators begin at 0; block b goes to number b mod 16, blocks in
//   increasing order.
//   mxfp4, with q[k] = twice the E2M1 value (an integer):
//     acc = fma(float(sum c q), s[b] * (scale / 2), acc)
//   affine, with q[k] the unsigned code:
//     acc = fma(float(sum c q), s[b] * scale, acc)
//     acc = fma(s[b] * float(sum c), bias, acc)
//   y begins at 0 and takes the accumulators 0 to 15 one after the other.
//   The sums of integers are exact in int32 and in float32: of int16 codes and
//   mxfp4 halves at most 32 * 32639 * 12 < 2^24.
#pragma once

#include "base/thread_team.h"
#include "kernels/linear/linear_params.h"

namespace hadal {

// What both need: the view's formats fit together (dequantize.h), x and y do
// not overlap, cols is a multiple of 32 for mxfp4 and of the group for affine.
void linear_reference(const LinearParams& params, ThreadTeam& team);
void linear_cpu(const LinearParams& params, ThreadTeam& team);

}  // namespace hadal
