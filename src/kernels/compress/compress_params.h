// From a chunk's values and gates to stored compressed rows (spec 3.7, 3.8).
#pragma once

#include <cstdint>

#include "kernels/compressor_pool/compressor_pool_params.h"
#include "kernels/finish_rows/finish_rows_params.h"
#include "kernels/row_format.h"

namespace hadal {

// One compressor of one sequence: the windows of `pool` are pooled, finished at
// the position of their own first token, and stored as rows first_window,
// first_window + 1, ... of `rows`, whose pages are written.
struct CompressParams {
  // chunk_g lacks the position bias, history_g has it. `out` is scratch memory
  // for the pooled rows [windows, dim].
  CompressorPoolParams pool;
  int64_t tokens = 0;           // of the chunk
  const float* bias = nullptr;  // [ratio, channels]: ape, by position mod ratio
  RowFinish finish;
  PagedRows rows;
};

}  // namespace hadal
