// The beginnings of the residual streams: streams_params.h. Plain code serves
// the cpu and the reference backend; a weight's value is that of dequantize_row
// (codecs/dequantize.h).
#pragma once

#include "base/thread_team.h"
#include "kernels/streams/streams_params.h"

namespace hadal {

void embed_cpu(const EmbedParams& params, ThreadTeam& team);
void add_to_streams_cpu(const AddToStreamsParams& params, ThreadTeam& team);

}  // namespace hadal
