// Contract of the router: which experts a token goes to (spec 5.1).
#pragma once

#include "base/thread_team.h"
#include "kernels/router/router_params.h"

namespace hadal {

// For every token, from its row u of logits:
//   r_e = sqrt(softplus(u_e)), softplus(u) = log1p(exp(u)), u itself above 20;
//   chosen: the `per_token` experts with the largest r_e + bias_e in a learned
//   layer (ties: the lower id), or the ids of its row of tid2eid in a hash
//   layer; there u matters for the weights only;
//   weight of a chosen expert: r_e / sum * scale, where `sum` adds the r of the
//   chosen one after the other in increasing id. The bias never enters it.
// Both outputs stand in increasing order of expert id, because the experts'
// outputs are later added in that order.
//
// Guaranteed by the caller: 1 <= per_token <= experts; the logits hold no NaN;
// exactly one of `bias` and `tid2eid` is set; token ids and expert ids of the
// table are in range; the ids of one row of the table differ. A sum of zero
// (all chosen logits far below -100) gives NaN weights, as in the formula.
//
// Tokens are independent; a token's bits do not depend on the others. float32
// throughout. The outputs overlap nothing.
void router_reference(const RouterParams& params, ThreadTeam& team);
void router_cpu(const RouterParams& params, ThreadTeam& team);

}  // namespace hadal
