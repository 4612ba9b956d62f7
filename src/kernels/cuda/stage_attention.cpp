#include "kernels/cuda/stage_attention.h"

#include <algorithm>

namespace hadal::cuda {
namespace {

// Rows of the compressed pages that a call reads.
int64_t compressed_rows(const SparseAttentionParams& params) {
  if (params.selected == nullptr)
    return params.ratio == 0
               ? 0
               : (params.first_position + params.tokens) / params.ratio;
  int64_t rows = 0;
  for (int64_t t = 0; t < params.tokens; ++t)
    for (int32_t i = 0; i < params.counts[t]; ++i)
      rows = std::max<int64_t>(
          rows, params.selected[t * params.selected_stride + i] + 1);
  return rows;
}

}  // namespace

SparseAttentionParams stage_in(
    Stage& stage, const SparseAttentionParams& host) {
  SparseAttentionParams params = host;
  const int64_t values = host.tokens * host.heads * host.dim;
  const int64_t row_bytes = host.window_layout.row_bytes();
  params.q = stage.in(host.q, values);
  params.out = stage.in_out(host.out, values);
  params.sink = stage.in(host.sink, host.heads);
  params.chunk_rows = stage.in(host.chunk_rows, host.tokens * row_bytes);
  params.ring = stage.in(host.ring, host.ring_capacity * row_bytes);
  params.compressed = stage.in(host.compressed, compressed_rows(host));
  params.selected = stage.in(host.selected, host.tokens * host.selected_stride);
  params.counts = stage.in(host.counts, host.tokens);
  params.output_frequencies =
      stage.in(host.output_frequencies, host.output_rotary / 2);
  return params;
}

IndexerParams stage_in(Stage& stage, const IndexerParams& host) {
  IndexerParams params = host;
  params.q = stage.in(host.q, host.tokens * host.heads * host.dim);
  params.weights = stage.in(host.weights, host.tokens * host.heads);
  params.rows =
      stage.in(host.rows, (host.first_position + host.tokens) / host.ratio);
  params.selected = stage.in_out(host.selected, host.tokens * host.top_k);
  params.counts = stage.in_out(host.counts, host.tokens);
  return params;
}

}  // namespace hadal::cuda
