// The mixture of experts of a layer: routed experts, then the shared one
// (spec 5.2).
//
// For every token, in increasing order of expert id (its list may be in any
// order; an id that occurs twice counts twice), then for the shared expert with
// weight 1:
//   g = gate x, u = up x            products as in linear.h
//   limit > 0: g = min(g, limit), u = clamp(u, -limit, limit)
//   a = (silu(g) * u) * weight      silu(g) = g / (1 + e^-g)
//   y = y + down a                  y begins at 0; one addition an expert
// x and a go through expert_activation (shared_activation) on their way into
// the products. With gemm_fp8 they first make the E4M3 round trip of spec 8.1
// in blocks of 128, where the weight is fp8_block, mxfp8 or mxfp4: those are
// the products whose inputs the official code rounds.
//
// A NaN in x shows in y. The bits of a token's y depend on its x, list and
// weights alone.
#pragma once

#include "base/thread_team.h"
#include "kernels/experts/experts_params.h"

namespace hadal {

// x and y do not overlap; ids lie in [0, experts.experts); all routed experts
// have the shapes and formats of the first.
void experts_reference(const ExpertsParams& params, ThreadTeam& team);

// Tokens are grouped by expert, so that an expert's weights are read once for
// all of them, in two regions of the team (gate with up, down) a piece of at
// most 512 (token, expert) pairs. The memory of a thread that calls it grows to
// that many rows of `inner`, twice, and x prepared for the products, and is
// reused by its later calls.
void experts_cpu(const ExpertsParams& params, ThreadTeam& team);

}  // namespace hadal
