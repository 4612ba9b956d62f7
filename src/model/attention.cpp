#include "model/attention.h"

#include <algorithm>
#include <cmath>

#include "model/compressor.h"
#include "model/indexer.h"
#include "model/products.h"

namespace hadal {
namespace {

// a [tokens, qr] and q [tokens, H, head_dim], normed and rotated (spec 3.2).
void project_queries(
    const Pass& pass, const NetworkLayer& layer, const float* x) {
  const ModelConfig& config = pass.config();
  const AttentionWeights& weights = layer.weights->attention;
  const int64_t tokens = pass.chunk.tokens();
  const int64_t heads = config.num_attention_heads;
  const int64_t width = heads * config.head_dim;
  float* const a = pass.work.a.reserve(tokens * config.q_lora_rank);
  product(
      pass, x, config.hidden_size, weights.wq_a, a, config.q_lora_rank, tokens);
  norm_rows(pass, a, layer.q_norm, a, tokens, config.q_lora_rank);
  float* const q = pass.work.q.reserve(tokens * width);
  product(pass, a, config.q_lora_rank, weights.wq_b, q, width, tokens);
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

// The chunk's window rows, key and value at once, in their stored form.
void project_window_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    const RowLayout& layout,
    const float* x) {
  const ModelConfig& config = pass.config();
  const int64_t tokens = pass.chunk.tokens();
  const int64_t dim = config.head_dim;
  float* const kv = pass.work.kv.reserve(tokens * dim);
  product(
      pass,
      x,
      config.hidden_size,
      layer.weights->attention.wkv,
      kv,
      dim,
      tokens);
  finish_rows(
      pass, layer, layer.kv_norm, pass.chunk.positions.data(), kv, tokens);
  std::byte* const rows =
      pass.work.kv_rows.reserve(tokens * layout.row_bytes());
  for (int64_t t = 0; t < tokens; ++t)
    encode_row(layout, kv + t * dim, rows + t * layout.row_bytes());
}

// o of the segment's tokens; `rows` are their window rows.
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
      .ratio = layer.ratio()};
  segment.cache->fill(layer.index, params);
  params.chunk_rows = rows;
  if (layer.kind == LayerKind::sparse) {
    params.selected = work.selected.data() + segment.row * config.index_topk;
    params.selected_stride = config.index_topk;
    params.counts = work.counts.data() + segment.row;
  }
  pass.backend.sparse_attention(params, pass.team);
}

// y = wo_b (wo_a per group (o with its rotation undone)), spec 3.6.
void project_output(const Pass& pass, const NetworkLayer& layer, float* y) {
  const ModelConfig& config = pass.config();
  const AttentionWeights& weights = layer.weights->attention;
  const int64_t tokens = pass.chunk.tokens();
  const int64_t width = config.num_attention_heads * config.head_dim;
  float* const o = pass.work.o.data();
  pass.backend.rotary(
      {.x = o,
       .x_stride = width,
       .tokens = tokens,
       .heads = config.num_attention_heads,
       .dim = config.head_dim,
       .rotary_dim = config.qk_rope_head_dim,
       .positions = pass.chunk.positions.data(),
       .frequencies = layer.frequencies,
       .inverse = true},
      pass.team);
  const int64_t latent = config.o_groups * config.o_lora_rank;
  float* const u = pass.work.u.reserve(tokens * latent);
  for (int64_t group = 0; group < config.o_groups; ++group)
    unrounded_product(
        pass,
        o + group * config.group_width(),
        width,
        weights.wo_a[static_cast<size_t>(group)],
        u + group * config.o_lora_rank,
        latent,
        tokens);
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
    const float* x,
    float* y) {
  const ModelConfig& config = pass.config();
  const int64_t tokens = pass.chunk.tokens();
  project_queries(pass, layer, x);
  if (layer.kind == LayerKind::sparse)
    select_rows(pass, layer, x, pass.work.a.data());
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

  project_window_rows(pass, layer, layout, x);
  if (layer.kind != LayerKind::window)
    append_compressed_rows(pass, layer, x);
  if (layer.kind == LayerKind::sparse)
    append_index_rows(pass, layer, x);
  const std::byte* const kv_rows = pass.work.kv_rows.data();
  const int64_t tile = pass.work.tile_tokens;
  if (tokens <= tile)
    return attend_tokens(pass, layer, layout, kv_rows, x, y);
  for (int64_t first = 0; first < tokens; first += tile) {
    const Chunk part = slice(pass.chunk, first, std::min(tile, tokens - first));
    const Pass of_tile{pass.network, pass.backend, pass.team, pass.work, part};
    attend_tokens(
        of_tile,
        layer,
        layout,
        kv_rows + first * layout.row_bytes(),
        x + first * dim,
        y + first * dim);
  }
}

}  // namespace hadal
