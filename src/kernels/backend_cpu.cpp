#include "kernels/activation_rounding/activation_rounding.h"
#include "kernels/backend.h"
#include "kernels/compressor_pool/compressor_pool.h"
#include "kernels/experts/experts.h"
#include "kernels/hyper_connection/hyper_connection.h"
#include "kernels/indexer/indexer.h"
#include "kernels/linear/linear.h"
#include "kernels/linear_many/linear_many.h"
#include "kernels/rms_norm/rms_norm.h"
#include "kernels/rotary/rotary.h"
#include "kernels/router/router.h"
#include "kernels/sparse_attention/sparse_attention.h"

namespace hadal {

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
  };
  return kBackend;
}

}  // namespace hadal
