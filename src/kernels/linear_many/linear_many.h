// Several products as one operation.
#pragma once

#include <span>

#include "base/thread_team.h"
#include "kernels/linear/linear_params.h"

namespace hadal {

// The bits of linear (linear.h), called for one product after the other. All
// products have the same number of tokens; no output overlaps an input or
// another output.
//
// For few tokens linear_many_cpu shares out the rows of all weights together:
// the threads meet once, not once a product, and small weights (a compressor's,
// the groups of wo_a) do not leave a thread waiting. An input that several
// products have in common is prepared once.
void linear_many_reference(
    std::span<const LinearParams> products, ThreadTeam& team);
void linear_many_cpu(std::span<const LinearParams> products, ThreadTeam& team);

}  // namespace hadal
