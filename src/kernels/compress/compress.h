// Contract of compression: bias, pooling, finishing and storing as one
// operation for all compressors and sequences of a pass.
#pragma once

#include <span>

#include "base/thread_team.h"
#include "kernels/compress/compress_params.h"

namespace hadal {

struct Backend;

// The bits of the bias added to the chunk's gates, then compressor_pool,
// finish_rows and encode_row. No two of `all` share an output.
//
// The first calls the steps of `steps`; a backend may do all in one kernel.
void compress_by_steps(
    const Backend& steps,
    std::span<const CompressParams> all,
    ThreadTeam& team);

void compress_reference(std::span<const CompressParams> all, ThreadTeam& team);
void compress_cpu(std::span<const CompressParams> all, ThreadTeam& team);

}  // namespace hadal
