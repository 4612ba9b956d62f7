// The meaning of the indexer in plain scalar float32.
#include <algorithm>
#include <numeric>
#include <vector>

#include "kernels/indexer/indexer.h"

namespace hadal {
namespace {

const std::byte* stored_row(const PagedRows& rows, int64_t row) {
  return rows.pages[row / rows.rows_per_page] +
         row % rows.rows_per_page * rows.layout.row_bytes();
}

// The token's queries [heads, dim], rounded where the rows are.
std::vector<float> queries_of(const IndexerParams& params, int64_t token) {
  const float* q = params.q + token * params.heads * params.dim;
  std::vector<float> queries(q, q + params.heads * params.dim);
  if (params.rows.layout.format != RowFormat::fp4)
    return queries;
  const RowLayout layout{RowFormat::fp4, params.dim, 0};
  std::vector<std::byte> row(layout.row_bytes());
  for (int64_t head = 0; head < params.heads; ++head) {
    float* values = queries.data() + head * params.dim;
    encode_row(layout, values, row.data());
    decode_row(layout, row.data(), values);
  }
  return queries;
}

float score_row(
    const IndexerParams& params,
    const float* queries,
    const float* weights,
    const float* row) {
  float score = 0;
  for (int64_t head = 0; head < params.heads; ++head) {
    float dot = 0;
    for (int64_t i = 0; i < params.dim; ++i)
      dot += queries[head * params.dim + i] * row[i];
    score += weights[head] * std::max(0.0f, dot);
  }
  return score;
}

void select_for_token(const IndexerParams& params, int64_t token) {
  const int64_t visible = (params.first_position + token + 1) / params.ratio;
  const int64_t count = std::min(params.top_k, visible);
  std::vector<int32_t> order(visible);
  std::iota(order.begin(), order.end(), 0);

  if (visible > params.top_k) {
    std::vector<float> scores(visible);
    std::vector<float> row(params.dim);
    const std::vector<float> queries = queries_of(params, token);
    for (int64_t s = 0; s < visible; ++s) {
      decode_row(params.rows.layout, stored_row(params.rows, s), row.data());
      scores[s] = score_row(
          params,
          queries.data(),
          params.weights + token * params.heads,
          row.data());
    }
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
      return scores[a] > scores[b];
    });
    std::sort(order.begin(), order.begin() + count);
  }
  std::copy_n(order.begin(), count, params.selected + token * params.top_k);
  params.counts[token] = static_cast<int32_t>(count);
}

}  // namespace

void indexer_reference(const IndexerParams& params, ThreadTeam& team) {
  if (params.weight_scale != 1) {
    const std::vector<float> weights = scaled_weights(params);
    IndexerParams scaled = params;
    scaled.weights = weights.data();
    scaled.weight_scale = 1;
    return indexer_reference(scaled, team);
  }
  team.parallel_for(
      params.tokens, 1, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t token = begin; token < end; ++token)
          select_for_token(params, token);
      });
}

}  // namespace hadal
