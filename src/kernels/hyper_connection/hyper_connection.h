// Contract of the hyper-connections: how the n residual streams of a token are
// mixed before a sub-layer, after it, and before the head (spec 2.3 to 2.6).
#pragma once

#include "base/thread_team.h"
#include "kernels/hyper_connection/hyper_connection_params.h"

namespace hadal {

// HCpre and the norm. With f the n * dim values of a token's streams,
// stream-major:
//   rho    = 1 / sqrt(mean(f^2) + norm_eps)
//   mix    = (fn . f) * rho, 2n + n*n values, scaled after the product
//   pre_i  = sigmoid(mix_i * scale_0 + base_i) + hc_eps
//   post_i = 2 * sigmoid(mix_{n+i} * scale_1 + base_{n+i})
//   C_jk   = mix_{2n+nj+k} * scale_2 + base_{2n+nj+k}
//   C      = softmax of each row, hc_eps added after the division
//   C_jk  /= sum_j C_jk + hc_eps, the columns
//   C      rows the same way, columns again, sinkhorn_iterations - 1 times
//   x      = sum_i pre_i * stream_i
//   x      = RMSNorm(x, norm_weight, norm_eps), as rms_norm.h says, unless
//            norm_weight is null
// `comb` holds C: row = source stream, column = destination.
//
// Order of the sums in the cpu backend (it depends on n and dim alone):
//   - The products with `fn` and the sum of squares go over the channels of the
//     streams in pieces of kMixPiece (stream_mix.h; the last may be shorter).
//     A piece covers the same channels of every stream, one stream after the
//     other, in 16 lanes that begin at 0: lane = channel of the stream mod 16,
//     fused multiply-add in increasing channel. The lanes of the pieces are
//     added in increasing order, then joined by a tree (lane l takes l + 8,
//     then l + 4, l + 2, l + 1).
//   - Sums over streams run in increasing stream; a normalisation multiplies by
//     the rounded reciprocal of its sum.
//
// n <= 16; sinkhorn_iterations >= 1. x, post and comb overlap nothing.
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

// HCpost of one sub-layer and HCpre of the next: the bits of the two calls, but
// the streams pass through the processor once.
void hyper_connection_between_reference(
    const HyperConnectionBetweenParams& params, ThreadTeam& team);
void hyper_connection_between_cpu(
    const HyperConnectionBetweenParams& params, ThreadTeam& team);

// HChead and the norm: rho and mix (n values) as in HCpre, then
//   pre_i = sigmoid(mix_i * scale_0 + base_i) + hc_eps
//   x     = sum_i pre_i * stream_i, and the norm as in HCpre.
void hyper_connection_head_reference(
    const HyperConnectionHeadParams& params, ThreadTeam& team);
void hyper_connection_head_cpu(
    const HyperConnectionHeadParams& params, ThreadTeam& team);

}  // namespace hadal
