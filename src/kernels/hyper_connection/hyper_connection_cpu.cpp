// The CPU implementation.
#include "kernels/hyper_connection/hyper_connection.h"

namespace hadal {

void hyper_connection_pre_cpu(
    const HyperConnectionPreParams& params, ThreadTeam& team) {
  hyper_connection_pre_reference(params, team);
}

void hyper_connection_post_cpu(
    const HyperConnectionPostParams& params, ThreadTeam& team) {
  hyper_connection_post_reference(params, team);
}

void hyper_connection_head_cpu(
    const HyperConnectionHeadParams& params, ThreadTeam& team) {
  hyper_connection_head_reference(params, team);
}

}  // namespace hadal
