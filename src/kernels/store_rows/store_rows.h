// Contract of the copies into rings: store_rows_params.h.
#pragma once

#include <span>

#include "base/thread_team.h"
#include "kernels/store_rows/store_rows_params.h"

namespace hadal {

// Any of `all` may write while another is read only if they share no byte.
// Memory of the host, for the cpu and the reference backend.
void store_rows_cpu(std::span<const StoreRowsParams> all, ThreadTeam& team);

}  // namespace hadal
