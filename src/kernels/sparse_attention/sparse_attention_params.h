// Attention of many heads over one latent row a position (spec 3.4 to 3.6).
#pragma once

#include <cstdint>

#include "kernels/row_format.h"

namespace hadal {

// One sequence's chunk. Token t stands at position first_position + t. What is
// computed, from which rows and in which order: sparse_attention.h.
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
  // The inverse rotation of the output at the token's position (spec 3.6) on
  // the last `output_rotary` channels, even; 0: none.
  int64_t output_rotary = 0;
  const float* output_frequencies = nullptr;  // [output_rotary / 2]
};

}  // namespace hadal
