// Contract of the finishing of rows.
#pragma once

#include <span>

#include "base/thread_team.h"
#include "kernels/finish_rows/finish_rows_params.h"

namespace hadal {

struct Backend;

// Every step is the operation of that name in its own header, so the bits are
// those of rms_norm, rotary, fp8_round_trip or hadamard_fp4 and encode_row,
// called one after the other. A row's bits depend on the row and its position
// alone. Members of `all` share no rows.
//
// These call the steps of `steps`; a backend may do them in one kernel.
void finish_rows_by_steps(
    const Backend& steps,
    std::span<const FinishRowsParams> all,
    ThreadTeam& team);

void finish_rows_reference(
    std::span<const FinishRowsParams> all, ThreadTeam& team);
void finish_rows_cpu(std::span<const FinishRowsParams> all, ThreadTeam& team);

}  // namespace hadal
