#include "kernels/cuda/staged_backend.h"

#include <algorithm>

#include "hadal/error.h"
#include "kernels/cuda/find_device.h"
#include "kernels/cuda/kernels.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/stage.h"
#include "kernels/cuda/stage_attention.h"
#include "kernels/cuda/staged_rows.h"

namespace hadal {
namespace {

using cuda::extent;
using cuda::Stage;

void linear(const LinearParams& host, ThreadTeam&) {
  Stage stage;
  LinearParams params = host;
  params.weight = stage.in(host.weight);
  params.x =
      stage.in(host.x, extent(host.tokens, host.x_stride, host.weight.cols));
  params.y = stage.in_out(
      host.y, extent(host.tokens, host.y_stride, host.weight.rows));
  linear_cuda(params);
  stage.finish();
}

void linear_many(std::span<const LinearParams> all, ThreadTeam&) {
  Stage stage;
  std::vector<LinearParams> products;
  for (size_t i = 0; i < all.size(); ++i) {
    const LinearParams& host = all[i];
    LinearParams params = host;
    params.weight = stage.in(host.weight);
    // Products that share an input share its copy.
    size_t same = 0;
    while (all[same].x != host.x || all[same].x_stride != host.x_stride ||
           all[same].weight.cols != host.weight.cols)
      ++same;
    params.x =
        same < i
            ? products[same].x
            : stage.in(
                  host.x, extent(host.tokens, host.x_stride, host.weight.cols));
    params.y = stage.in_out(
        host.y, extent(host.tokens, host.y_stride, host.weight.rows));
    products.push_back(params);
  }
  linear_many_cuda(products);
  stage.finish();
}

const WeightView* stack_in(
    Stage& stage, const WeightView* views, int64_t count) {
  std::vector<WeightView> device;
  for (int64_t i = 0; i < count; ++i)
    device.push_back(stage.in(views[i]));
  const WeightView* const result = stage.in(device.data(), count);
  cuda::check(
      cudaStreamSynchronize(cuda::stream()), "copying the experts' table");
  return result;
}

void experts(const ExpertsParams& host, ThreadTeam&) {
  Stage stage;
  const ExpertWeights& stack = host.experts;
  ExpertsCudaParams all{
      .params = host,
      .gate = stack.gate[0],
      .up = stack.up[0],
      .down = stack.down[0]};
  ExpertsParams& params = all.params;
  params.x = stage.in(host.x, host.tokens * host.hidden);
  params.y = stage.in_out(host.y, host.tokens * host.hidden);
  params.indices = stage.in(host.indices, host.tokens * host.per_token);
  params.weights = stage.in(host.weights, host.tokens * host.per_token);
  params.experts.gate = stack_in(stage, stack.gate, stack.experts);
  params.experts.up = stack_in(stage, stack.up, stack.experts);
  params.experts.down = stack_in(stage, stack.down, stack.experts);
  params.shared_gate = stage.in(host.shared_gate);
  params.shared_up = stage.in(host.shared_up);
  params.shared_down = stage.in(host.shared_down);
  experts_cuda(all);
  stage.finish();
}

void router(const RouterParams& host, ThreadTeam&) {
  Stage stage;
  RouterParams params = host;
  const int64_t chosen = host.tokens * host.per_token;
  params.logits = stage.in(host.logits, host.tokens * host.experts);
  params.bias = stage.in(host.bias, host.experts);
  if (host.tid2eid != nullptr) {
    const int32_t last =
        *std::max_element(host.token_ids, host.token_ids + host.tokens);
    params.tid2eid = stage.in(
        static_cast<const std::byte*>(host.tid2eid),
        (last + 1) * host.per_token * (host.tid2eid_is_64_bit ? 8 : 4));
    params.token_ids = stage.in(host.token_ids, host.tokens);
  }
  params.indices = stage.in_out(host.indices, chosen);
  params.weights = stage.in_out(host.weights, chosen);
  router_cuda(params);
  stage.finish();
}

void rms_norm(const RmsNormParams& host, ThreadTeam&) {
  Stage stage;
  RmsNormParams params = host;
  params.x = stage.in(host.x, extent(host.rows, host.x_stride, host.dim));
  params.y = stage.in_out(host.y, extent(host.rows, host.y_stride, host.dim));
  params.weight = stage.in(host.weight, host.dim);
  rms_norm_cuda(params);
  stage.finish();
}

void rotary(const RotaryParams& host, ThreadTeam&) {
  Stage stage;
  RotaryParams params = host;
  params.x = stage.in_out(
      host.x, extent(host.tokens, host.x_stride, host.heads * host.dim));
  params.positions = stage.in(host.positions, host.tokens);
  params.frequencies = stage.in(host.frequencies, host.rotary_dim / 2);
  rotary_cuda(params);
  stage.finish();
}

void hyper_connection_pre(const HyperConnectionPreParams& host, ThreadTeam&) {
  Stage stage;
  HyperConnectionPreParams params = host;
  const int64_t n = host.n;
  params.streams = stage.in(host.streams, host.tokens * n * host.dim);
  params.fn = stage.in(host.fn);
  params.base = stage.in(host.base, 2 * n + n * n);
  params.scale = stage.in(host.scale, 3);
  params.norm_weight = stage.in(host.norm_weight, host.dim);
  params.x = stage.in_out(host.x, host.tokens * host.dim);
  params.post = stage.in_out(host.post, host.tokens * n);
  params.comb = stage.in_out(host.comb, host.tokens * n * n);
  hyper_connection_pre_cuda(params);
  stage.finish();
}

void hyper_connection_post(const HyperConnectionPostParams& host, ThreadTeam&) {
  Stage stage;
  HyperConnectionPostParams params = host;
  const int64_t n = host.n;
  params.y = stage.in(host.y, host.tokens * host.dim);
  params.streams = stage.in(host.streams, host.tokens * n * host.dim);
  params.post = stage.in(host.post, host.tokens * n);
  params.comb = stage.in(host.comb, host.tokens * n * n);
  params.out = stage.in_out(host.out, host.tokens * n * host.dim);
  hyper_connection_post_cuda(params);
  stage.finish();
}

void hyper_connection_between(
    const HyperConnectionBetweenParams& host, ThreadTeam&) {
  Stage stage;
  HyperConnectionBetweenParams all = host;
  HyperConnectionPostParams& post = all.post;
  HyperConnectionPreParams& pre = all.pre;
  const int64_t tokens = pre.tokens;
  const int64_t n = pre.n;
  post.y = stage.in(post.y, tokens * pre.dim);
  post.streams = stage.in(post.streams, tokens * n * pre.dim);
  post.post = stage.in(post.post, tokens * n);
  post.comb = stage.in(post.comb, tokens * n * n);
  post.out = stage.in_out(post.out, tokens * n * pre.dim);
  pre.streams = post.out;
  pre.fn = stage.in(pre.fn);
  pre.base = stage.in(pre.base, 2 * n + n * n);
  pre.scale = stage.in(pre.scale, 3);
  pre.norm_weight = stage.in(pre.norm_weight, pre.dim);
  pre.x = stage.in_out(pre.x, tokens * pre.dim);
  pre.post = stage.in_out(pre.post, tokens * n);
  pre.comb = stage.in_out(pre.comb, tokens * n * n);
  hyper_connection_between_cuda(all);
  stage.finish();
}

void hyper_connection_head(const HyperConnectionHeadParams& host, ThreadTeam&) {
  Stage stage;
  HyperConnectionHeadParams params = host;
  const int64_t rows =
      host.rows == nullptr
          ? host.tokens
          : *std::max_element(host.rows, host.rows + host.tokens) + 1;
  params.streams = stage.in(host.streams, rows * host.n * host.dim);
  params.rows = stage.in(host.rows, host.tokens);
  params.fn = stage.in(host.fn);
  params.base = stage.in(host.base, host.n);
  params.scale = stage.in(host.scale, 1);
  params.norm_weight = stage.in(host.norm_weight, host.dim);
  params.x = stage.in_out(host.x, host.tokens * host.dim);
  hyper_connection_head_cuda(params);
  stage.finish();
}

void fp8_round_trip(const Fp8RoundTripParams& host, ThreadTeam&) {
  Stage stage;
  Fp8RoundTripParams params = host;
  params.x = stage.in_out(host.x, extent(host.rows, host.stride, host.cols));
  fp8_round_trip_cuda(params);
  stage.finish();
}

void hadamard_fp4(const HadamardFp4Params& host, ThreadTeam&) {
  Stage stage;
  HadamardFp4Params params = host;
  params.x = stage.in_out(host.x, extent(host.rows, host.stride, host.dim));
  hadamard_fp4_cuda(params);
  stage.finish();
}

void compressor_pool(const CompressorPoolParams& host, ThreadTeam&) {
  Stage stage;
  CompressorPoolParams params = host;
  const int64_t channels = host.dim * (host.ratio == 4 ? 2 : 1);
  const int64_t end = (host.first_window + host.windows) * host.ratio;
  const int64_t chunk = extent(
      std::max<int64_t>(0, end - host.chunk_start),
      host.chunk_stride,
      channels);
  params.chunk_z = stage.in(host.chunk_z, chunk);
  params.chunk_g = stage.in(host.chunk_g, chunk);
  params.history_z = stage.in(host.history_z, host.history_capacity * channels);
  params.history_g = stage.in(host.history_g, host.history_capacity * channels);
  params.out = stage.in_out(host.out, host.windows * host.dim);
  compressor_pool_cuda(params);
  stage.finish();
}

void indexer_many(std::span<const IndexerParams> host, ThreadTeam&) {
  Stage stage;
  std::vector<IndexerParams> all;
  for (const IndexerParams& params : host)
    all.push_back(cuda::stage_in(stage, params));
  indexer_many_cuda(all);
  stage.finish();
}

void indexer(const IndexerParams& host, ThreadTeam& team) {
  indexer_many({&host, 1}, team);
}

void sparse_attention_many(
    std::span<const SparseAttentionParams> host, ThreadTeam&) {
  Stage stage;
  std::vector<SparseAttentionParams> all;
  for (const SparseAttentionParams& params : host)
    all.push_back(cuda::stage_in(stage, params));
  sparse_attention_many_cuda(all);
  stage.finish();
}

void sparse_attention(const SparseAttentionParams& host, ThreadTeam& team) {
  sparse_attention_many({&host, 1}, team);
}

}  // namespace

const Backend& staged_cuda_backend() {
  if (const std::string reason = missing_cuda_device(); !reason.empty())
    throw Error(ErrorCode::unsupported, reason);
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
      .compress = cuda::staged_compress,
      .store_rows = cuda::staged_store_rows,
      .finish_rows = cuda::staged_finish_rows,
      .embed = cuda::staged_embed,
      .add_to_streams = cuda::staged_add_to_streams,
  };
  return kBackend;
}

}  // namespace hadal
