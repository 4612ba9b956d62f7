// The CPU implementation.
#include "kernels/router/router.h"

namespace hadal {

void router_cpu(const RouterParams& params, ThreadTeam& team) {
  router_reference(params, team);
}

}  // namespace hadal
