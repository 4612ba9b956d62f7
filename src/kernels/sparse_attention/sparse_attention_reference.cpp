// The meaning of sparse attention in plain scalar float32.
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/rotary/rotary.h"
#include "kernels/sparse_attention/sparse_attention.h"

namespace hadal {
namespace {

using Row = std::vector<float>;

Row window_row(const SparseAttentionParams& params, int64_t position) {
  const int64_t bytes = params.window_layout.row_bytes();
  const std::byte* stored =
      position >= params.first_position
          ? params.chunk_rows + (position - params.first_position) * bytes
          : params.ring + position % params.ring_capacity * bytes;
  Row row(params.dim);
  decode_row(params.window_layout, stored, row.data());
  return row;
}

Row compressed_row(const PagedRows& rows, int64_t index, int64_t dim) {
  const std::byte* stored =
      rows.pages[index / rows.rows_per_page] +
      index % rows.rows_per_page * rows.layout.row_bytes();
  Row row(dim);
  decode_row(rows.layout, stored, row.data());
  return row;
}

// The token's key list in the order of the contract.
std::vector<Row> key_list(const SparseAttentionParams& params, int64_t token) {
  const int64_t p = params.first_position + token;
  std::vector<Row> keys;
  for (int64_t position = std::max<int64_t>(0, p - params.window + 1);
       position <= p;
       ++position)
    keys.push_back(window_row(params, position));

  if (params.selected != nullptr) {
    for (int32_t i = 0; i < params.counts[token]; ++i)
      keys.push_back(compressed_row(
          params.compressed,
          params.selected[token * params.selected_stride + i],
          params.dim));
  } else if (params.ratio != 0) {
    for (int64_t s = 0; s < (p + 1) / params.ratio; ++s)
      keys.push_back(compressed_row(params.compressed, s, params.dim));
  }
  return keys;
}

void attend(
    const std::vector<Row>& keys,
    const float* q,
    float sink,
    float scale,
    int64_t dim,
    float* out) {
  std::vector<float> weights;
  float maximum = sink;
  for (const Row& key : keys) {
    float dot = 0;
    for (int64_t i = 0; i < dim; ++i)
      dot += q[i] * key[i];
    weights.push_back(scale * dot);
    maximum = std::max(maximum, weights.back());
  }

  float denominator = 0;
  for (float& weight : weights) {
    weight = std::exp(weight - maximum);
    denominator += weight;
  }
  denominator += std::exp(sink - maximum);

  for (int64_t i = 0; i < dim; ++i) {
    float sum = 0;
    for (size_t j = 0; j < keys.size(); ++j)
      sum += weights[j] * keys[j][i];
    out[i] = sum / denominator;
  }
}

void undo_rotation(const SparseAttentionParams& params, ThreadTeam& team) {
  std::vector<int64_t> positions(params.tokens);
  for (int64_t t = 0; t < params.tokens; ++t)
    positions[t] = params.first_position + t;
  rotary_reference(
      {.x = params.out,
       .x_stride = params.heads * params.dim,
       .tokens = params.tokens,
       .heads = params.heads,
       .dim = params.dim,
       .rotary_dim = params.output_rotary,
       .positions = positions.data(),
       .frequencies = params.output_frequencies,
       .inverse = true},
      team);
}

}  // namespace

void sparse_attention_reference(
    const SparseAttentionParams& params, ThreadTeam& team) {
  team.parallel_for(
      params.tokens, 1, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t token = begin; token < end; ++token) {
          const std::vector<Row> keys = key_list(params, token);
          for (int64_t head = 0; head < params.heads; ++head) {
            const int64_t offset = (token * params.heads + head) * params.dim;
            attend(
                keys,
                params.q + offset,
                params.sink[head],
                params.scale,
                params.dim,
                params.out + offset);
          }
        }
      });
  if (params.output_rotary > 0)
    undo_rotation(params, team);
}

}  // namespace hadal
