#include "kernels/cuda/staged_rows.h"

#include <vector>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/stage.h"

namespace hadal::cuda {
namespace {

RowFinish stage_finish(Stage& stage, const RowFinish& host) {
  RowFinish finish = host;
  finish.norm_weight = stage.in(host.norm_weight, host.dim);
  finish.frequencies = stage.in(host.frequencies, host.rotary_dim / 2);
  return finish;
}

// Whole pages, which a call may read and write.
const std::byte* const* pages_in_out(
    Stage& stage, const PagedRows& rows, int64_t count) {
  std::vector<const std::byte*> pages;
  for (int64_t first = 0; first < count; first += rows.rows_per_page) {
    auto* const page =
        const_cast<std::byte*>(rows.pages[first / rows.rows_per_page]);
    pages.push_back(
        stage.in_out(page, rows.rows_per_page * rows.layout.row_bytes()));
  }
  return table(pages.data(), static_cast<int64_t>(pages.size()));
}

}  // namespace

void staged_compress(std::span<const CompressParams> host, ThreadTeam&) {
  Stage stage;
  std::vector<CompressParams> all(host.begin(), host.end());
  for (CompressParams& params : all) {
    CompressorPoolParams& pool = params.pool;
    const int64_t channels = pool.dim * (pool.ratio == 4 ? 2 : 1);
    const int64_t chunk = extent(params.tokens, pool.chunk_stride, channels);
    pool.chunk_z = stage.in(pool.chunk_z, chunk);
    pool.chunk_g = stage.in(pool.chunk_g, chunk);
    pool.history_z = stage.in(pool.history_z, pool.history_capacity * channels);
    pool.history_g = stage.in(pool.history_g, pool.history_capacity * channels);
    params.bias = stage.in(params.bias, pool.ratio * channels);
    params.finish = stage_finish(stage, params.finish);
    params.rows.pages =
        pages_in_out(stage, params.rows, pool.first_window + pool.windows);
  }
  compress_cuda(all);
  stage.finish();
}

void staged_finish_rows(std::span<const FinishRowsParams> host, ThreadTeam&) {
  Stage stage;
  std::vector<FinishRowsParams> all(host.begin(), host.end());
  for (FinishRowsParams& params : all) {
    params.x = stage.in_out(params.x, params.rows * params.finish.dim);
    params.positions = stage.in(params.positions, params.rows / params.heads);
    params.finish = stage_finish(stage, params.finish);
    if (params.encoded != nullptr)
      params.encoded =
          stage.in_out(params.encoded, params.rows * params.layout.row_bytes());
  }
  finish_rows_cuda(all);
  stage.finish();
}

void staged_store_rows(std::span<const StoreRowsParams> host, ThreadTeam&) {
  Stage stage;
  std::vector<StoreRowsParams> all(host.begin(), host.end());
  for (StoreRowsParams& params : all) {
    params.ring.slots = stage.in_out(
        params.ring.slots, params.ring.capacity * params.ring.row_bytes);
    params.rows = stage.in(
        params.rows,
        extent(params.count, params.stride, params.ring.row_bytes));
    params.bias =
        stage.in(params.bias, params.bias_rows * params.ring.row_bytes / 4);
  }
  store_rows_cuda(all);
  stage.finish();
}

void staged_embed(const EmbedParams& host, ThreadTeam&) {
  Stage stage;
  EmbedParams params = host;
  params.weight = stage.in(host.weight);
  params.ids = stage.in(host.ids, host.tokens);
  params.out =
      stage.in_out(host.out, host.tokens * host.copies * host.weight.cols);
  embed_cuda(params);
  stage.finish();
}

void staged_add_to_streams(const AddToStreamsParams& host, ThreadTeam&) {
  Stage stage;
  AddToStreamsParams params = host;
  params.a = stage.in(host.a, host.tokens * host.n * host.dim);
  params.b = stage.in(host.b, host.tokens * host.dim);
  params.out = stage.in_out(host.out, host.tokens * host.n * host.dim);
  add_to_streams_cuda(params);
  stage.finish();
}

}  // namespace hadal::cuda
