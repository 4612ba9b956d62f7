#include "kernels/linear/linear.h"
#include "kernels/linear_many/linear_many.h"

namespace hadal {

void linear_many_reference(
    std::span<const LinearParams> products, ThreadTeam& team) {
  for (const LinearParams& params : products)
    linear_reference(params, team);
}

}  // namespace hadal
