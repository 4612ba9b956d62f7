#include "model/compressor.h"

#include "model/products.h"

namespace hadal {
namespace {

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

RowFinish index_finish(const Pass& pass, const NetworkLayer& layer) {
  return {
      .dim = pass.config().index_head_dim,
      .norm = true,
      .norm_weight = layer.indexer.norm.data(),
      .norm_eps = pass.config().rms_norm_eps,
      .rotary_dim = pass.config().qk_rope_head_dim,
      .frequencies = layer.frequencies,
      .rounding = pass.network.numerics.index_fp4 ? RowRounding::hadamard_fp4
                                                  : RowRounding::none};
}

// One of a layer's compressors: its projections of the chunk [tokens,
// channels], and how its rows are finished.
struct Source {
  Compressor which;
  const float* z;
  const float* g;
  const CompressorVectors& vectors;
  RowFinish finish;
};

int64_t completed_windows(const Segment& segment, int64_t ratio) {
  return (segment.position + segment.tokens) / ratio - segment.position / ratio;
}

// What the windows that a segment completes become; `pooled` is scratch for
// them.
CompressParams compression(
    const NetworkLayer& layer,
    const Source& source,
    int64_t channels,
    const Segment& segment,
    float* pooled) {
  CompressParams params{
      .pool =
          {.chunk_z = source.z + segment.row * channels,
           .chunk_g = source.g + segment.row * channels,
           .chunk_stride = channels,
           .chunk_start = segment.position,
           .first_window = segment.position / layer.ratio(),
           .windows = completed_windows(segment, layer.ratio()),
           .out = pooled},
      .tokens = segment.tokens,
      .bias = source.vectors.ape.data(),
      .finish = source.finish};
  segment.cache->fill(layer.index, source.which, params.pool);
  params.rows = segment.cache->rows(layer.index, source.which);
  return params;
}

// A segment's values and gates on their way into the pooling history.
void add_stores(
    const NetworkLayer& layer,
    const Source& source,
    int64_t channels,
    const Segment& segment,
    std::vector<StoreRowsParams>& stores) {
  const HistorySlots slots = segment.cache->extend_history(
      layer.index, source.which, segment.position, segment.tokens);
  const auto add = [&](const RingSlots& ring, const float* values) {
    stores.push_back(
        {.ring = ring,
         .first = segment.position,
         .count = segment.tokens,
         .rows = reinterpret_cast<const std::byte*>(
             values + segment.row * channels),
         .stride = channels * static_cast<int64_t>(sizeof(float))});
  };
  add(slots.z, source.z);
  add(slots.g, source.g);
  // Counted from position 0 (spec 3.7).
  stores.back().bias = source.vectors.ape.data();
  stores.back().bias_rows = layer.ratio();
}

}  // namespace

RowFinish latent_finish(
    const Pass& pass, const NetworkLayer& layer, const KernelVector& norm) {
  return {
      .dim = pass.config().head_dim,
      .norm = true,
      .norm_weight = norm.data(),
      .norm_eps = pass.config().rms_norm_eps,
      .rotary_dim = pass.config().qk_rope_head_dim,
      .frequencies = layer.frequencies,
      .rounding =
          pass.network.numerics.kv_fp8 ? RowRounding::fp8 : RowRounding::none};
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

void append_rows(
    const Pass& pass,
    const NetworkLayer& layer,
    std::vector<StoreRowsParams>& stores) {
  Workspace& work = pass.work;
  std::vector<Source> sources = {
      {Compressor::main,
       work.z.data(),
       work.g.data(),
       layer.compressor,
       latent_finish(pass, layer, layer.compressor.norm)}};
  if (layer.kind == LayerKind::sparse)
    sources.push_back(
        {Compressor::indexer,
         work.index_z.data(),
         work.index_g.data(),
         layer.indexer,
         index_finish(pass, layer)});

  int64_t values = 0;
  for (const Source& source : sources)
    for (const Segment& segment : pass.chunk.segments)
      values += completed_windows(segment, layer.ratio()) * source.finish.dim;
  float* pooled = work.pooled.reserve(values);
  std::vector<CompressParams> all;
  for (const Source& source : sources) {
    const int64_t channels =
        ModelConfig::overlap(layer.kind) * source.finish.dim;
    for (const Segment& segment : pass.chunk.segments) {
      all.push_back(compression(layer, source, channels, segment, pooled));
      pooled += completed_windows(segment, layer.ratio()) * source.finish.dim;
    }
  }
  pass.backend.compress(all, pass.team);
  for (const Source& source : sources)
    for (const Segment& segment : pass.chunk.segments)
      add_stores(
          layer,
          source,
          ModelConfig::overlap(layer.kind) * source.finish.dim,
          segment,
          stores);
}

}  // namespace hadal
