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

// When those have run: a [tokens, qr], normed, and q [tokens, H, head_dim],
// normed and rotated (spec 3.2); the index queries as they come.
void make_queries(const Pass& pass, const NetworkLayer& layer) {
  const ModelConfig& config = pass.config();
  const int64_t tokens = pass.chunk.tokens();
  const int64_t heads = config.num_attention_heads;
  const int64_t width = heads * config.head_dim;
  float* const a = pass.work.a.data();
  norm_rows(pass, a, layer.q_norm, a, tokens, config.q_lora_rank);
  float* const q = pass.work.q.reserve(tokens * width);
  ProductList queries(pass, tokens);
  queries.add(a, config.q_lora_rank, layer.weights->attention.wq_b, q, width);
  if (layer.kind == LayerKind::sparse)
    project_index_queries(pass, layer, a, queries);
  queries.run();
  norm_rows(pass, q, {}, q, tokens * heads, config.head_dim);
  pass.backend.rotary(
      {.x = q,
       .x_stride = width,
       .tokens = tokens,
       .heads = heads,
       .dim = config.head_dim,
       .rotary_dim = config.qk_rope_head_dim,
       .positions = pass.chunk.positions.data(),
       .frequencies = layer.frequencies},
      pass.team);
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

// When that has run: the window rows, key and value at once, in their stored
// form.
const std::byte* store_window_rows(
    const Pass& pass, const NetworkLayer& layer, const RowLayout& layout) {
  const int64_t tokens = pass.chunk.tokens();
  const int64_t dim = pass.config().head_dim;
  float* const kv = pass.work.kv.data();
  finish_rows(
      pass, layer, layer.kv_norm, pass.chunk.positions.data(), kv, tokens);
  std::byte* const rows =
      pass.work.kv_rows.reserve(tokens * layout.row_bytes());
  constexpr int64_t kGrain = 8;  // a row is about a microsecond
  pass.team.parallel_for(
      tokens, kGrain, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t t = begin; t < end; ++t)
          encode_row(layout, kv + t * dim, rows + t * layout.row_bytes());
      });
  return rows;
}

// o of the segment's tokens, its rotation undone; `rows` are their window rows.
void attend(
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
  pass.backend.sparse_attention(params, pass.team);
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
// window rows are `kv_rows`. Their rows enter the ring only after they have
// been used: there may be more of them than it holds (spec 4.3).
void attend_tokens(
    const Pass& pass,
    const NetworkLayer& layer,
    const RowLayout& layout,
    const std::byte* kv_rows,
    float* y) {
  const ModelConfig& config = pass.config();
  const int64_t tokens = pass.chunk.tokens();
  make_queries(pass, layer);
  if (layer.kind == LayerKind::sparse)
    select_rows(pass, layer);
  pass.work.o.reserve(tokens * config.num_attention_heads * config.head_dim);
  for (const Segment& segment : pass.chunk.segments)
    attend(pass, layer, segment, kv_rows + segment.row * layout.row_bytes());
  for (const Segment& segment : pass.chunk.segments)
    segment.cache->commit_window(
        layer.index,
        segment.position,
        segment.tokens,
        kv_rows + segment.row * layout.row_bytes());
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

  const std::byte* const kv_rows = store_window_rows(pass, layer, layout);
  if (layer.kind != LayerKind::window)
    append_compressed_rows(pass, layer);
  if (layer.kind == LayerKind::sparse)
    append_index_rows(pass, layer);
  if (tokens <= tile)
    return attend_tokens(pass, layer, layout, kv_rows, y);
  for (int64_t first = 0; first < tokens; first += tile) {
    const Chunk part = slice(pass.chunk, first, std::min(tile, tokens - first));
    const Pass of_tile{pass.network, pass.backend, pass.team, pass.work, part};
    ProductList tile_inputs(of_tile, part.tokens());
    project_query_inputs(of_tile, layer, x + first * dim, tile_inputs);
    tile_inputs.run();
    attend_tokens(
        of_tile,
        layer,
        layout,
        kv_rows + first * layout.row_bytes(),
        y + first * dim);
  }
}

}  // namespace hadal
