// The part of the staged backend (staged_backend.h) that works on rows of
// caches and streams.
#pragma once

#include <span>

#include "base/thread_team.h"
#include "kernels/compress/compress_params.h"
#include "kernels/finish_rows/finish_rows_params.h"
#include "kernels/store_rows/store_rows_params.h"
#include "kernels/streams/streams_params.h"

namespace hadal::cuda {

void staged_compress(std::span<const CompressParams> host, ThreadTeam&);
void staged_finish_rows(std::span<const FinishRowsParams> host, ThreadTeam&);
void staged_store_rows(std::span<const StoreRowsParams> host, ThreadTeam&);
void staged_embed(const EmbedParams& host, ThreadTeam&);
void staged_add_to_streams(const AddToStreamsParams& host, ThreadTeam&);

}  // namespace hadal::cuda
