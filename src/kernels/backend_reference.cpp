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

const Backend& reference_backend() {
  static constexpr Backend kBackend{
      .name = "reference",
      .linear = linear_reference,
      .linear_many = linear_many_reference,
      .experts = experts_reference,
      .router = router_reference,
      .rms_norm = rms_norm_reference,
      .rotary = rotary_reference,
      .hyper_connection_pre = hyper_connection_pre_reference,
      .hyper_connection_post = hyper_connection_post_reference,
      .hyper_connection_between = hyper_connection_between_reference,
      .hyper_connection_head = hyper_connection_head_reference,
      .fp8_round_trip = fp8_round_trip_reference,
      .hadamard_fp4 = hadamard_fp4_reference,
      .compressor_pool = compressor_pool_reference,
      .indexer = indexer_reference,
      .sparse_attention = sparse_attention_reference,
  };
  return kBackend;
}

}  // namespace hadal
