#include "kernels/cuda/backend_cuda.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "kernels/cuda/device.h"
#include "kernels/cuda/kernels.h"

namespace hadal {
namespace {

// The tables of one call, side by side in device memory that is used again by
// the next.
class Call {
 public:
  Call() : memory_(static_cast<std::byte*>(arena().reserve(kBytes))) {}

  template <class T>
  T* table(const T* values, int64_t count) {
    if (values == nullptr)
      return nullptr;
    const int64_t bytes = count * static_cast<int64_t>(sizeof(T));
    HADAL_CHECK(used_ + bytes <= kBytes);
    std::byte* const at = memory_ + used_;
    cuda::check(
        cudaMemcpyAsync(
            at,
            values,
            static_cast<size_t>(bytes),
            cudaMemcpyHostToDevice,
            cuda::stream()),
        "copying a table to the device");
    used_ += (bytes + 255) / 256 * 256;
    return reinterpret_cast<T*>(at);
  }
  PagedRows table(const PagedRows& rows, int64_t count) {
    PagedRows result = rows;
    result.pages = table(
        rows.pages, (count + rows.rows_per_page - 1) / rows.rows_per_page);
    return result;
  }

  static void finish() {
    cuda::check(cudaStreamSynchronize(cuda::stream()), "running a kernel");
  }

 private:
  static constexpr int64_t kBytes = int64_t{64} << 20;
  static cuda::DeviceBuffer& arena() {
    static cuda::DeviceBuffer buffer;
    return buffer;
  }

  std::byte* memory_;
  int64_t used_ = 0;
};

void linear(const LinearParams& params, ThreadTeam&) {
  linear_cuda(params);
  Call::finish();
}

void linear_many(std::span<const LinearParams> all, ThreadTeam&) {
  for (const LinearParams& params : all)
    linear_cuda(params);
  Call::finish();
}

void experts(const ExpertsParams& host, ThreadTeam&) {
  Call call;
  const ExpertWeights& stack = host.experts;
  ExpertsCudaParams all{
      .params = host,
      .gate = stack.gate[0],
      .up = stack.up[0],
      .down = stack.down[0]};
  all.params.experts.gate = call.table(stack.gate, stack.experts);
  all.params.experts.up = call.table(stack.up, stack.experts);
  all.params.experts.down = call.table(stack.down, stack.experts);
  experts_cuda(all);
  Call::finish();
}

// The hash table's rows of these tokens, as if token t had id t.
template <class Entry>
std::vector<Entry> rows_of_tokens(const RouterParams& host) {
  const auto* const table = static_cast<const Entry*>(host.tid2eid);
  std::vector<Entry> rows;
  for (int64_t t = 0; t < host.tokens; ++t) {
    const Entry* const row = table + host.token_ids[t] * host.per_token;
    rows.insert(rows.end(), row, row + host.per_token);
  }
  return rows;
}

void router(const RouterParams& host, ThreadTeam&) {
  Call call;
  RouterParams params = host;
  params.bias = call.table(host.bias, host.experts);
  std::vector<int64_t> wide;
  std::vector<int32_t> narrow;
  std::vector<int32_t> ids;
  if (host.tid2eid != nullptr) {
    for (int32_t t = 0; t < host.tokens; ++t)
      ids.push_back(t);
    params.token_ids = call.table(ids.data(), host.tokens);
    const int64_t entries = host.tokens * host.per_token;
    if (host.tid2eid_is_64_bit) {
      wide = rows_of_tokens<int64_t>(host);
      params.tid2eid = call.table(wide.data(), entries);
    } else {
      narrow = rows_of_tokens<int32_t>(host);
      params.tid2eid = call.table(narrow.data(), entries);
    }
  }
  router_cuda(params);
  Call::finish();
}

void rms_norm(const RmsNormParams& host, ThreadTeam&) {
  Call call;
  RmsNormParams params = host;
  params.weight = call.table(host.weight, host.dim);
  rms_norm_cuda(params);
  Call::finish();
}

void rotary(const RotaryParams& host, ThreadTeam&) {
  Call call;
  RotaryParams params = host;
  params.positions = call.table(host.positions, host.tokens);
  params.frequencies = call.table(host.frequencies, host.rotary_dim / 2);
  rotary_cuda(params);
  Call::finish();
}

void put_pre(Call& call, const HyperConnectionPreParams& host) {
  HyperConnectionPreParams params = host;
  params.base = call.table(host.base, 2 * host.n + host.n * host.n);
  params.scale = call.table(host.scale, 3);
  params.norm_weight = call.table(host.norm_weight, host.dim);
  hyper_connection_pre_cuda(params);
}

void hyper_connection_pre(const HyperConnectionPreParams& host, ThreadTeam&) {
  Call call;
  put_pre(call, host);
  Call::finish();
}

void hyper_connection_post(
    const HyperConnectionPostParams& params, ThreadTeam&) {
  hyper_connection_post_cuda(params);
  Call::finish();
}

void hyper_connection_between(
    const HyperConnectionBetweenParams& host, ThreadTeam&) {
  Call call;
  hyper_connection_post_cuda(host.post);
  put_pre(call, host.pre);
  Call::finish();
}

void hyper_connection_head(const HyperConnectionHeadParams& host, ThreadTeam&) {
  Call call;
  HyperConnectionHeadParams params = host;
  params.base = call.table(host.base, host.n);
  params.scale = call.table(host.scale, 1);
  params.norm_weight = call.table(host.norm_weight, host.dim);
  hyper_connection_head_cuda(params);
  Call::finish();
}

void fp8_round_trip(const Fp8RoundTripParams& params, ThreadTeam&) {
  fp8_round_trip_cuda(params);
  Call::finish();
}

void hadamard_fp4(const HadamardFp4Params& params, ThreadTeam&) {
  hadamard_fp4_cuda(params);
  Call::finish();
}

void compressor_pool(const CompressorPoolParams& params, ThreadTeam&) {
  compressor_pool_cuda(params);
  Call::finish();
}

void indexer(const IndexerParams& host, ThreadTeam&) {
  Call call;
  IndexerParams params = host;
  params.rows =
      call.table(host.rows, (host.first_position + host.tokens) / host.ratio);
  indexer_cuda(params);
  Call::finish();
}

void sparse_attention(const SparseAttentionParams& host, ThreadTeam&) {
  Call call;
  SparseAttentionParams params = host;
  params.sink = call.table(host.sink, host.heads);
  if (host.ratio != 0)
    params.compressed = call.table(
        host.compressed, (host.first_position + host.tokens) / host.ratio);
  params.output_frequencies =
      call.table(host.output_frequencies, host.output_rotary / 2);
  sparse_attention_cuda(params);
  Call::finish();
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
  };
  return kBackend;
}

}  // namespace hadal
