#include "kernels/cuda/backend_cuda.h"

#include <vector>

#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"

namespace hadal {
namespace {

using cuda::table;

PagedRows paged(const PagedRows& rows, int64_t count) {
  PagedRows result = rows;
  result.pages =
      table(rows.pages, (count + rows.rows_per_page - 1) / rows.rows_per_page);
  return result;
}

void linear(const LinearParams& params, ThreadTeam&) {
  linear_cuda(params);
}

void linear_many(std::span<const LinearParams> all, ThreadTeam&) {
  linear_many_cuda(all);
}

void experts(const ExpertsParams& host, ThreadTeam&) {
  const ExpertWeights& stack = host.experts;
  ExpertsCudaParams all{
      .params = host,
      .gate = stack.gate[0],
      .up = stack.up[0],
      .down = stack.down[0]};
  all.params.experts = host.device_experts;
  experts_cuda(all);
}

void router(const RouterParams& host, ThreadTeam&) {
  RouterParams params = host;
  params.tid2eid = host.device_tid2eid;
  if (host.tid2eid != nullptr)
    params.token_ids = table(host.token_ids, host.tokens);
  router_cuda(params);
}

void rms_norm(const RmsNormParams& params, ThreadTeam&) {
  rms_norm_cuda(params);
}

void rotary(const RotaryParams& host, ThreadTeam&) {
  RotaryParams params = host;
  params.positions = table(host.positions, host.tokens);
  rotary_cuda(params);
}

void hyper_connection_pre(const HyperConnectionPreParams& params, ThreadTeam&) {
  hyper_connection_pre_cuda(params);
}

void hyper_connection_post(
    const HyperConnectionPostParams& params, ThreadTeam&) {
  hyper_connection_post_cuda(params);
}

void hyper_connection_between(
    const HyperConnectionBetweenParams& params, ThreadTeam&) {
  hyper_connection_between_cuda(params);
}

void hyper_connection_head(const HyperConnectionHeadParams& host, ThreadTeam&) {
  HyperConnectionHeadParams params = host;
  params.rows = table(host.rows, host.tokens);
  hyper_connection_head_cuda(params);
}

void fp8_round_trip(const Fp8RoundTripParams& params, ThreadTeam&) {
  fp8_round_trip_cuda(params);
}

void hadamard_fp4(const HadamardFp4Params& params, ThreadTeam&) {
  hadamard_fp4_cuda(params);
}

void compressor_pool(const CompressorPoolParams& params, ThreadTeam&) {
  compressor_pool_cuda(params);
}

void indexer_many(std::span<const IndexerParams> host, ThreadTeam&) {
  std::vector<IndexerParams> all(host.begin(), host.end());
  for (IndexerParams& params : all)
    params.rows = paged(
        params.rows, (params.first_position + params.tokens) / params.ratio);
  indexer_many_cuda(all);
}

void indexer(const IndexerParams& host, ThreadTeam& team) {
  indexer_many({&host, 1}, team);
}

void sparse_attention_many(
    std::span<const SparseAttentionParams> host, ThreadTeam&) {
  std::vector<SparseAttentionParams> all(host.begin(), host.end());
  for (SparseAttentionParams& params : all)
    if (params.ratio != 0)
      params.compressed = paged(
          params.compressed,
          (params.first_position + params.tokens) / params.ratio);
  sparse_attention_many_cuda(all);
}

void sparse_attention(const SparseAttentionParams& host, ThreadTeam& team) {
  sparse_attention_many({&host, 1}, team);
}

void compress(std::span<const CompressParams> host, ThreadTeam&) {
  std::vector<CompressParams> all(host.begin(), host.end());
  for (CompressParams& params : all)
    params.rows =
        paged(params.rows, params.pool.first_window + params.pool.windows);
  compress_cuda(all);
}

void store_rows(std::span<const StoreRowsParams> all, ThreadTeam&) {
  store_rows_cuda(all);
}

void finish_rows(std::span<const FinishRowsParams> host, ThreadTeam&) {
  std::vector<FinishRowsParams> all(host.begin(), host.end());
  for (FinishRowsParams& params : all)
    params.positions = table(params.positions, params.rows / params.heads);
  finish_rows_cuda(all);
}

void embed(const EmbedParams& host, ThreadTeam&) {
  EmbedParams params = host;
  params.ids = table(host.ids, host.tokens);
  embed_cuda(params);
}

void add_to_streams(const AddToStreamsParams& params, ThreadTeam&) {
  add_to_streams_cuda(params);
}

}  // namespace

const Backend& cuda_backend() {
  static constexpr Backend kBackend{
      .name = "cuda",
      .linear = linear,
      .linear_many = linear_many,
      .experts = experts,
      .router = router,
      .rms_norm = rms_norm,
      .rotary = rotary,
      .hyper_connection_pre = hyper_connection_pre,
      .hyper_connection_post = hyper_connection_post,
      .hyper_connection_between = hyper_connection_between,
      .hyper_connection_head = hyper_connection_head,
      .fp8_round_trip = fp8_round_trip,
      .hadamard_fp4 = hadamard_fp4,
      .compressor_pool = compressor_pool,
      .indexer = indexer,
      .sparse_attention = sparse_attention,
      .indexer_many = indexer_many,
      .sparse_attention_many = sparse_attention_many,
      .compress = compress,
      .store_rows = store_rows,
      .finish_rows = finish_rows,
      .embed = embed,
      .add_to_streams = add_to_streams,
      .begin = cuda::begin_recording,
      .flush = cuda::flush_recording,
      .end = cuda::end_recording,
      .drop = cuda::drop_recording,
  };
  return kBackend;
}

}  // namespace hadal
