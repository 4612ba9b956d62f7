#include "model/compressor.h"

#include "model/products.h"

namespace hadal {
namespace {

void rotate_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    const int64_t* positions,
    float* rows,
    int64_t count,
    int64_t dim) {
  pass.backend.rotary(
      {.x = rows,
       .x_stride = dim,
       .tokens = count,
       .heads = 1,
       .dim = dim,
       .rotary_dim = pass.config().qk_rope_head_dim,
       .positions = positions,
       .frequencies = layer.frequencies},
      pass.team);
}

void project(
    const Pass& pass,
    const CompressorWeights& weights,
    const float* x,
    SourcedBuffer<float>& z,
    SourcedBuffer<float>& g,
    ProductList& products) {
  const int64_t tokens = pass.chunk.tokens();
  const int64_t channels = weights.wkv.rows;
  const int64_t dim = pass.config().hidden_size;
  products.add_float32(
      x, dim, weights.wkv, z.reserve(tokens * channels), channels);
  products.add_float32(
      x, dim, weights.wgate, g.reserve(tokens * channels), channels);
}

// g [tokens, channels] += the bias of the tokens' places in their windows,
// which are counted from position 0 (spec 3.7).
void add_position_bias(
    const Pass& pass,
    const CompressorVectors& vectors,
    int64_t ratio,
    int64_t channels,
    float* g) {
  for (int64_t t = 0; t < pass.chunk.tokens(); ++t) {
    const int64_t slot = pass.chunk.positions[static_cast<size_t>(t)] % ratio;
    const float* const bias = vectors.ape.data() + slot * channels;
    for (int64_t c = 0; c < channels; ++c)
      g[t * channels + c] += bias[c];
  }
}

// Pools the windows that a segment completes, finishes them with `finish(rows,
// positions, count)` and stores them.
template <class Finish>
void append_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    Compressor which,
    int64_t dim,
    const float* chunk_z,
    const float* chunk_g,
    const Segment& segment,
    const Finish& finish) {
  const int64_t ratio = layer.ratio();
  const int64_t channels = ModelConfig::overlap(layer.kind) * dim;
  const float* const z = chunk_z + segment.row * channels;
  const float* const g = chunk_g + segment.row * channels;
  const int64_t first = segment.position / ratio;
  const int64_t windows = (segment.position + segment.tokens) / ratio - first;
  if (windows > 0) {
    float* const pooled = pass.work.pooled.reserve(windows * dim);
    int64_t* const positions = pass.work.pooled_positions.reserve(windows);
    CompressorPoolParams params{
        .ratio = ratio,
        .dim = dim,
        .chunk_z = z,
        .chunk_g = g,
        .chunk_stride = channels,
        .chunk_start = segment.position,
        .first_window = first,
        .windows = windows,
        .out = pooled};
    segment.cache->fill(layer.index, which, params);
    pass.backend.compressor_pool(params, pass.team);
    // A row stands at the first token of its own window.
    for (int64_t w = 0; w < windows; ++w)
      positions[w] = (first + w) * ratio;
    finish(pooled, positions, windows);
    const RowLayout layout = segment.cache->rows(layer.index, which).layout;
    for (int64_t w = 0; w < windows; ++w)
      encode_row(
          layout,
          pooled + w * dim,
          segment.cache->writable_row(layer.index, which, first + w));
  }
  segment.cache->commit_history(
      layer.index, which, segment.position, segment.tokens, z, g, channels);
}

}  // namespace

void finish_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    const std::vector<float>& norm,
    const int64_t* positions,
    float* rows,
    int64_t count) {
  const int64_t dim = pass.config().head_dim;
  norm_rows(pass, rows, norm, rows, count, dim);
  rotate_rows(pass, layer, positions, rows, count, dim);
  if (pass.network.numerics.kv_fp8)
    pass.backend.fp8_round_trip(
        {.x = rows,
         .stride = dim,
         .rows = count,
         .cols = dim - pass.config().qk_rope_head_dim,
         .block = 64},
        pass.team);
}

void project_compressed_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    const float* x,
    ProductList& products) {
  project(
      pass,
      layer.weights->attention.compressor,
      x,
      pass.work.z,
      pass.work.g,
      products);
}

void append_compressed_rows(const Pass& pass, const NetworkLayer& layer) {
  Workspace& work = pass.work;
  add_position_bias(
      pass,
      layer.compressor,
      layer.ratio(),
      layer.weights->attention.compressor.wkv.rows,
      work.g.data());
  for (const Segment& segment : pass.chunk.segments)
    append_rows(
        pass,
        layer,
        Compressor::main,
        pass.config().head_dim,
        work.z.data(),
        work.g.data(),
        segment,
        [&](float* rows, const int64_t* positions, int64_t count) {
          finish_rows(
              pass, layer, layer.compressor.norm, positions, rows, count);
        });
}

void project_index_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    const float* x,
    ProductList& products) {
  project(
      pass,
      layer.weights->attention.indexer.compressor,
      x,
      pass.work.index_z,
      pass.work.index_g,
      products);
}

void append_index_rows(const Pass& pass, const NetworkLayer& layer) {
  const int64_t dim = pass.config().index_head_dim;
  Workspace& work = pass.work;
  add_position_bias(
      pass,
      layer.indexer,
      layer.ratio(),
      layer.weights->attention.indexer.compressor.wkv.rows,
      work.index_g.data());
  for (const Segment& segment : pass.chunk.segments)
    append_rows(
        pass,
        layer,
        Compressor::indexer,
        dim,
        work.index_z.data(),
        work.index_g.data(),
        segment,
        [&](float* rows, const int64_t* positions, int64_t count) {
          norm_rows(pass, rows, layer.indexer.norm, rows, count, dim);
          rotate_rows(pass, layer, positions, rows, count, dim);
          if (pass.network.numerics.index_fp4)
            pass.backend.hadamard_fp4(
                {.x = rows, .stride = dim, .rows = count, .dim = dim},
                pass.team);
        });
}

}  // namespace hadal
