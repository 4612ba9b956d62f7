// The products of linear_cuda that go through the matrix instructions.
#pragma once

#include "kernels/linear/linear_params.h"

namespace hadal::cuda {

// FP8 blocks, mxfp8 and BF16 with columns in whole segments of 64, mxfp4 in
// segments of 128: what the models' large matrices have.
bool takes_matrix_product(const WeightView& weight);

// y = x * W^T. Activations, rounded as the format says, are taken as the sum of
// bfloat16 numbers: one for ActivationFormat::bf16, else three, which is
// float32 to the bit.
//
// Order of the sums, of a token apart from all others: segment s of the columns
// goes to warp s mod 8; a warp's segments come one after the other, the
// activation's smallest part first, in each the columns of four lanes by fours
// in one instruction. FP8 blocks sum a segment from zero and add it with its
// scale. At last the eight warps' sums are added in order.
void matrix_product(const LinearParams& params);

}  // namespace hadal::cuda
