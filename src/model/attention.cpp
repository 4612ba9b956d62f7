#include "model/attention.h"

#include <algorithm>
#include <cmath>

#include "model/compressor.h"
#include "model/indexer.h"
#include "model/products.h"

namespace hadal {
namespace {

// Adds what the tokens' queries need of x to `inputs`: work.a, and the weights
// of the index heads.
void project_query_inputs(
    const Pass& pass,
    const NetworkLayer& layer,
    const float* x,
    ProductList& inputs) {
  const ModelConfig& config = pass.config();
  inputs.add(
      x,
      config.hidden_size,
      layer.weights->attention.wq_a,
      pass.work.a.reserve(pass.chunk.tokens() * config.q_lora_rank),
      config.q_lora_rank);
  if (layer.kind == LayerKind::sparse)
    project_index_weights(pass, layer, x, inputs);
}

// When those have run: a [tokens, qr], to be normed.
FinishRowsParams query_latent_finish(
    const Pass& pass, const NetworkLayer& layer) {
  return {
      .x = pass.work.a.data(),
      .rows = pass.chunk.tokens(),
      .finish = {
          .dim = pass.config().q_lora_rank,
          .norm = true,
          .norm_weight = layer.q_norm.data(),
          .norm_eps = pass.config().rms_norm_eps}};
}

// Out of the normed a: q [tokens, H, head_dim], normed and rotated (spec 3.2),
// and the index queries.
void make_queries(const Pass& pass, const NetworkLayer& layer) {
  const ModelConfig& config = pass.config();
  const int64_t tokens = pass.chunk.tokens();
  const int64_t heads = config.num_attention_heads;
  const int64_t width = heads * config.head_dim;
  const float* const a = pass.work.a.data();
  float* const q = pass.work.q.reserve(tokens * width);
  ProductList queries(pass, tokens);
  queries.add(a, config.q_lora_rank, layer.weights->attention.wq_b, q, width);
  if (layer.kind == LayerKind::sparse)
    project_index_queries(pass, layer, a, queries);
  queries.run();
  std::vector<FinishRowsParams> finishes = {
      {.x = q,
       .rows = tokens * heads,
       .heads = heads,
       .positions = pass.chunk.positions.data(),
       .finish = {
           .dim = config.head_dim,
           .norm = true,
           .norm_eps = config.rms_norm_eps,
           .rotary_dim = config.qk_rope_head_dim,
           .frequencies = layer.frequencies}}};
  if (layer.kind == LayerKind::sparse)
    finishes.push_back(index_query_finish(pass, layer));
  pass.backend.finish_rows(finishes, pass.team);
}

// Adds the projection of the chunk's window rows, to work.kv.
void project_window_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    const float* x,
    ProductList& inputs) {
  const ModelConfig& config = pass.config();
  inputs.add(
      x,
      config.hidden_size,
      layer.weights->attention.wkv,
      pass.work.kv.reserve(pass.chunk.tokens() * config.head_dim),
      config.head_dim);
}

// When that has run: the window rows, key and value at once, and their stored
// form in work.kv_rows.
FinishRowsParams window_rows_finish(
    const Pass& pass, const NetworkLayer& layer, const RowLayout& layout) {
  const int64_t tokens = pass.chunk.tokens();
  return {
      .x = pass.work.kv.data(),
      .rows = tokens,
      .positions = pass.chunk.positions.data(),
      .finish = latent_finish(pass, layer, layer.kv_norm),
      .layout = layout,
      .encoded = pass.work.kv_rows.reserve(tokens * layout.row_bytes())};
}

// For o of the segment's tokens, its rotation undone; `rows` are their window
// rows.
SparseAttentionParams attention_of(
    const Pass& pass,
    const NetworkLayer& layer,
    const Segment& segment,
    const std::byte* rows) {
  const ModelConfig& config = pass.config();
  Workspace& work = pass.work;
  const int64_t width = config.num_attention_heads * config.head_dim;
  SparseAttentionParams params{
      .q = work.q.data() + segment.row * width,
      .out = work.o.data() + segment.row * width,
      .tokens = segment.tokens,
      .heads = config.num_attention_heads,
      .dim = config.head_dim,
      .first_position = segment.position,
      .window = config.sliding_window,
      .sink = layer.sink.data(),
      .scale = 1.0F / std::sqrt(static_cast<float>(config.head_dim)),
      .ratio = layer.ratio(),
      .output_rotary = config.qk_rope_head_dim,
      .output_frequencies = layer.frequencies};
  segment.cache->fill(layer.index, params);
  params.chunk_rows = rows;
  if (layer.kind == LayerKind::sparse) {
    params.selected = work.selected.data() + segment.row * config.index_topk;
    params.selected_stride = config.index_topk;
    params.counts = work.counts.data() + segment.row;
  }
  return params;
}

// y = wo_b (wo_a per group of o), spec 3.6.
void project_output(const Pass& pass, const NetworkLayer& layer, float* y) {
  const ModelConfig& config = pass.config();
  const AttentionWeights& weights = layer.weights->attention;
  const int64_t tokens = pass.chunk.tokens();
  const int64_t width = config.num_attention_heads * config.head_dim;
  float* const o = pass.work.o.data();
  const int64_t latent = config.o_groups * config.o_lora_rank;
  float* const u = pass.work.u.reserve(tokens * latent);
  ProductList groups(pass, tokens);
  for (int64_t group = 0; group < config.o_groups; ++group)
    groups.add_unrounded(
        o + group * config.group_width(),
        width,
        weights.wo_a[static_cast<size_t>(group)],
        u + group * config.o_lora_rank,
        latent);
  groups.run();
  product(pass, u, latent, weights.wo_b, y, config.hidden_size, tokens);
}

// Queries, attention and output of a pass over some tokens of the chunk, whose
// window rows are `kv_rows`; a is normed. The rows enter the ring only after
// they have been used: there may be more of them than it holds (spec 4.3). What
// else is to be stored comes in `stores`, which is emptied.
void attend_tokens(
    const Pass& pass,
    const NetworkLayer& layer,
    const RowLayout& layout,
    const std::byte* kv_rows,
    std::vector<StoreRowsParams>& stores,
    float* y) {
  const ModelConfig& config = pass.config();
  const int64_t tokens = pass.chunk.tokens();
  const int64_t row_bytes = layout.row_bytes();
  make_queries(pass, layer);
  if (layer.kind == LayerKind::sparse)
    select_rows(pass, layer);
  pass.work.o.reserve(tokens * config.num_attention_heads * config.head_dim);
  std::vector<SparseAttentionParams> all;
  for (const Segment& segment : pass.chunk.segments)
    all.push_back(
        attention_of(pass, layer, segment, kv_rows + segment.row * row_bytes));
  pass.backend.sparse_attention_many(all, pass.team);
  for (const Segment& segment : pass.chunk.segments)
    stores.push_back(
        {.ring = segment.cache->extend_window(
             layer.index, segment.position, segment.tokens),
         .first = segment.position,
         .count = segment.tokens,
         .rows = kv_rows + segment.row * row_bytes,
         .stride = row_bytes});
  pass.backend.store_rows(stores, pass.team);
  stores.clear();
  project_output(pass, layer, y);
}

}  // namespace

void run_attention(
    const Pass& pass, const NetworkLayer& layer, const float* x, float* y) {
  const int64_t tokens = pass.chunk.tokens();
  const int64_t dim = pass.config().hidden_size;
  const RowLayout layout =
      pass.chunk.segments.front().cache->layout().window_row;

  // All products of x at once, unless attention goes through the chunk in
  // tiles: then those of the queries come tile by tile.
  const int64_t tile = pass.work.tile_tokens;
  ProductList inputs(pass, tokens);
  project_window_rows(pass, layer, x, inputs);
  if (layer.kind != LayerKind::window)
    project_compressed_rows(pass, layer, x, inputs);
  if (layer.kind == LayerKind::sparse)
    project_index_rows(pass, layer, x, inputs);
  if (tokens <= tile)
    project_query_inputs(pass, layer, x, inputs);
  inputs.run();

  std::vector<FinishRowsParams> finishes = {
      window_rows_finish(pass, layer, layout)};
  const std::byte* const kv_rows = finishes.front().encoded;
  if (tokens <= tile)
    finishes.push_back(query_latent_finish(pass, layer));
  pass.backend.finish_rows(finishes, pass.team);
  std::vector<StoreRowsParams> stores;
  if (layer.kind != LayerKind::window)
    append_rows(pass, layer, stores);
  if (tokens <= tile)
    return attend_tokens(pass, layer, layout, kv_rows, stores, y);
  for (int64_t first = 0; first < tokens; first += tile) {
    const Chunk part = slice(pass.chunk, first, std::min(tile, tokens - first));
    const Pass of_tile{pass.network, pass.backend, pass.team, pass.work, part};
    ProductList tile_inputs(of_tile, part.tokens());
    project_query_inputs(of_tile, layer, x + first * dim, tile_inputs);
    tile_inputs.run();
    const FinishRowsParams latent = query_latent_finish(of_tile, layer);
    pass.backend.finish_rows({&latent, 1}, pass.team);
    attend_tokens(
        of_tile,
        layer,
        layout,
        kv_rows + first * layout.row_bytes(),
        stores,
        y + first * dim);
  }
}

}  // namespace hadal
