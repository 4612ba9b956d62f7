// Attention of many heads over one latent row a position (spec 3.4, 3.5).
#pragma once

#include <cstdint>

#include "kernels/row_format.h"

namespace hadal {

// One sequence's chunk. Token t stands at position first_position + t. Its keys
// (which are also its values) are, in this order:
//   the window: positions max(0, p - window + 1) .. p; those >= first_position
//     lie in chunk_rows, older ones in the ring at slot (position mod
//     ring_capacity);
//   compressed rows: selected[t, 0 .. counts[t]) or, when selected is null, all
//     rows s < (p + 1) / ratio (none when ratio is 0).
// o = sum exp(s_j - M) v_j / (sum exp(s_j - M) + exp(sink_h - M)), s = scale *
// q.k, M the maximum of the scores and the sink. float32 throughout; the order
// of the sums is part of the contract (sparse_attention.h) and depends on the
// token's own key list alone.
struct SparseAttentionParams {
  const float* q = nullptr;  // [tokens, heads, dim]
  float* out = nullptr;      // [tokens, heads, dim]
  int64_t tokens = 0;
  int64_t heads = 0;
  int64_t dim = 0;
  int64_t first_position = 0;
  int64_t window = 0;
  const float* sink = nullptr;  // [heads]
  float scale = 0;
  RowLayout window_layout;
  const std::byte* chunk_rows = nullptr;  // [tokens] rows of window_layout
  const std::byte* ring = nullptr;        // [ring_capacity] rows
  int64_t ring_capacity = 0;
  int64_t ratio = 0;
  PagedRows compressed;
  const int32_t* selected = nullptr;  // [tokens, selected_stride]
  int64_t selected_stride = 0;
  const int32_t* counts = nullptr;  // [tokens]
};

}  // namespace hadal
