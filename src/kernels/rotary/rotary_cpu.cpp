// The CPU implementation.
#include "kernels/rotary/rotary.h"

namespace hadal {

void rotary_cpu(const RotaryParams& params, ThreadTeam& team) {
  rotary_reference(params, team);
}

}  // namespace hadal
