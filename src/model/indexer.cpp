#include "model/indexer.h"

#include <cmath>

#include "model/products.h"

namespace hadal {

void project_index_weights(
    const Pass& pass,
    const NetworkLayer& layer,
    const float* x,
    ProductList& inputs) {
  const ModelConfig& config = pass.config();
  const int64_t heads = config.index_n_heads;
  inputs.add(
      x,
      config.hidden_size,
      layer.weights->attention.indexer.weights_proj,
      pass.work.index_weights.reserve(pass.chunk.tokens() * heads),
      heads);
}

void project_index_queries(
    const Pass& pass,
    const NetworkLayer& layer,
    const float* a,
    ProductList& queries) {
  const ModelConfig& config = pass.config();
  const int64_t width = config.index_n_heads * config.index_head_dim;
  queries.add(
      a,
      config.q_lora_rank,
      layer.weights->attention.indexer.wq_b,
      pass.work.index_q.reserve(pass.chunk.tokens() * width),
      width);
}

FinishRowsParams index_query_finish(
    const Pass& pass, const NetworkLayer& layer) {
  const ModelConfig& config = pass.config();
  return {
      .x = pass.work.index_q.data(),
      .rows = pass.chunk.tokens() * config.index_n_heads,
      .heads = config.index_n_heads,
      .positions = pass.chunk.positions.data(),
      .finish = {
          .dim = config.index_head_dim,
          .rotary_dim = config.qk_rope_head_dim,
          .frequencies = layer.frequencies,
          .rounding = pass.network.numerics.index_fp4
                          ? RowRounding::hadamard_fp4
                          : RowRounding::none}};
}

void select_rows(const Pass& pass, const NetworkLayer& layer) {
  const ModelConfig& config = pass.config();
  const int64_t tokens = pass.chunk.tokens();
  const int64_t heads = config.index_n_heads;
  const int64_t dim = config.index_head_dim;
  Workspace& work = pass.work;
  int32_t* const selected = work.selected.reserve(tokens * config.index_topk);
  int32_t* const counts = work.counts.reserve(tokens);
  std::vector<IndexerParams> all;
  for (const Segment& segment : pass.chunk.segments) {
    IndexerParams params{
        .q = work.index_q.data() + segment.row * heads * dim,
        .weights = work.index_weights.data() + segment.row * heads,
        .weight_scale = 1.0F / (std::sqrt(static_cast<float>(dim)) *
                                std::sqrt(static_cast<float>(heads))),
        .tokens = segment.tokens,
        .heads = heads,
        .dim = dim,
        .first_position = segment.position,
        .ratio = layer.ratio(),
        .top_k = config.index_topk,
        .selected = selected + segment.row * config.index_topk,
        .counts = counts + segment.row};
    segment.cache->fill(layer.index, params);
    all.push_back(params);
  }
  pass.backend.indexer_many(all, pass.team);
}

}  // namespace hadal
