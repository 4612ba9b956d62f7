#include "kernels/activation_rounding/activation_rounding.h"
#include "kernels/backend.h"
#include "kernels/compress/compress.h"
#include "kernels/compressor_pool/compressor_pool.h"
#include "kernels/experts/experts.h"
#include "kernels/finish_rows/finish_rows.h"
#include "kernels/hyper_connection/hyper_connection.h"
#include "kernels/indexer/indexer.h"
#include "kernels/linear/linear.h"
#include "kernels/linear_many/linear_many.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rotary/rotary.h"
#include "kernels/router/router.h"
#include "kernels/sparse_attention/sparse_attention.h"
#include "kernels/store_rows/store_rows.h"
#include "kernels/streams/streams.h"

namespace hadal {
namespace {

void indexer_many(std::span<const IndexerParams> all, ThreadTeam& team) {
  for (const IndexerParams& params : all)
    indexer_cpu(params, team);
}

void sparse_attention_many(
    std::span<const SparseAttentionParams> all, ThreadTeam& team) {
  for (const SparseAttentionParams& params : all)
    sparse_attention_cpu(params, team);
}

}  // namespace

const Backend& cpu_backend() {
  static constexpr Backend kBackend{
      .name = "cpu",
      .linear = linear_cpu,
      .linear_many = linear_many_cpu,
      .experts = experts_cpu,
      .router = router_cpu,
      .rms_norm = rms_norm_cpu,
      .rotary = rotary_cpu,
      .hyper_connection_pre = hyper_connection_pre_cpu,
      .hyper_connection_post = hyper_connection_post_cpu,
      .hyper_connection_between = hyper_connection_between_cpu,
      .hyper_connection_head = hyper_connection_head_cpu,
      .fp8_round_trip = fp8_round_trip_cpu,
      .hadamard_fp4 = hadamard_fp4_cpu,
      .compressor_pool = compressor_pool_cpu,
      .indexer = indexer_cpu,
      .sparse_attention = sparse_attention_cpu,
      .indexer_many = indexer_many,
      .sparse_attention_many = sparse_attention_many,
      .compress = compress_cpu,
      .store_rows = store_rows_cpu,
      .finish_rows = finish_rows_cpu,
      .embed = embed_cpu,
      .add_to_streams = add_to_streams_cpu,
      .begin = nothing_to_begin,
      .flush = nothing_put_off,
      .end = nothing_put_off,
      .drop = nothing_put_off,
  };
  return kBackend;
}

}  // namespace hadal
