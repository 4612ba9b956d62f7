// Contract of the hyper-connections: how the n residual streams of a token are
// mixed before a sub-layer, after it, and before the head (spec 2.4 to 2.6).
#pragma once

#include "base/thread_team.h"
#include "kernels/hyper_connection/hyper_connection_params.h"

namespace hadal {

// HCpre. With f the n * dim values of a token's streams, stream-major:
//   rho    = 1 / sqrt(mean(f^2) + norm_eps)
//   mix    = (fn . f) * rho, 2n + n*n values, scaled after the product
//   pre_i  = sigmoid(mix_i * scale_0 + base_i) + hc_eps
//   post_i = 2 * sigmoid(mix_{n+i} * scale_1 + base_{n+i})
//   C_jk   = mix_{2n+nj+k} * scale_2 + base_{2n+nj+k}
//   C      = softmax of each row, hc_eps added after the division
//   C_jk  /= sum_j C_jk + hc_eps, the columns
//   C      rows the same way, columns again, sinkhorn_iterations - 1 times
//   x      = sum_i pre_i * stream_i
// `comb` holds C: row = source stream, column = destination.
//
// Order of the sums in the cpu backend (it depends on n and dim alone): the
// products with `fn` and the sum of squares run over the n * dim channels in
// 16 lanes, lane = channel mod 16, fused multiply-add in increasing channel,
// joined by a tree (lane l takes l + 8, then l + 4, l + 2, l + 1); sums over
// streams run in increasing stream; a normalisation multiplies by the rounded
// reciprocal of its sum.
//
// `fn` may have any weight format; n <= 16; sinkhorn_iterations >= 1. x, post
// and comb overlap nothing.
void hyper_connection_pre_reference(
    const HyperConnectionPreParams& params, ThreadTeam& team);
void hyper_connection_pre_cpu(
    const HyperConnectionPreParams& params, ThreadTeam& team);

// HCpost: out_k = post_k * y + sum_j C_jk * stream_j, j increasing. The sum
// runs over the FIRST index of C; the other orientation gives plausible text
// with a worse distribution (spec 9, trap 1). `out` may equal `streams`.
void hyper_connection_post_reference(
    const HyperConnectionPostParams& params, ThreadTeam& team);
void hyper_connection_post_cpu(
    const HyperConnectionPostParams& params, ThreadTeam& team);

// HChead: rho and mix (n values) as in HCpre, then
//   pre_i = sigmoid(mix_i * scale_0 + base_i) + hc_eps
//   x     = sum_i pre_i * stream_i
void hyper_connection_head_reference(
    const HyperConnectionHeadParams& params, ThreadTeam& team);
void hyper_connection_head_cpu(
    const HyperConnectionHeadParams& params, ThreadTeam& team);

}  // namespace hadal
