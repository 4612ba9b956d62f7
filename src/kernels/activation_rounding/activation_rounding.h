// The roundings that the official code simulates on activations (spec 8), in
// float32: what stands after the round trip is exactly code * scale, without a
// further rounding to bfloat16.
//
// fp8_round_trip: blocks of `block` columns from column 0, the last one may be
// shorter. amax = the largest magnitude, at least 1e-4; s = the power of two
// with the exponent of fl32(amax * fl32(1/448)), one higher if its mantissa is
// not zero; x = E4M3(x / s) * s, rounded to nearest even, at most 448 s.
//
// hadamard_fp4: y[i] = dim^-0.5 * sum over j of (-1)^popcount(i & j) x[j], then
// blocks of 32 as above with amax at least 6 * 2^-126, fl32(1/6) and E2M1. The
// sums are a butterfly: for h = 1, 2, 4, ... dim/2 every pair (a, b) of
// elements i and i + h (bit h of i clear) becomes (a + b, a - b); then one
// multiplication with the float32 nearest to dim^-0.5.
//
// A block with a NaN or an infinity becomes NaN throughout. Everything is
// exactly defined: reference and cpu give the same bits.
#pragma once

#include "base/thread_team.h"
#include "kernels/activation_rounding/activation_rounding_params.h"

namespace hadal {

void fp8_round_trip_reference(const Fp8RoundTripParams& params, ThreadTeam&);
void fp8_round_trip_cpu(const Fp8RoundTripParams& params, ThreadTeam&);

// dim is a power of two and a multiple of 32, at most 4096.
void hadamard_fp4_reference(const HadamardFp4Params& params, ThreadTeam&);
void hadamard_fp4_cpu(const HadamardFp4Params& params, ThreadTeam&);

}  // namespace hadal
