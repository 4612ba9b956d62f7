#include "kernels/kernel_check.h"

namespace hadal {

std::vector<KernelCheck> check_backend(
    const Backend& backend, ThreadTeam& team) {
  std::vector<KernelCheck> checks;
  check_linear(backend, team, checks);
  check_linear_many(backend, team, checks);
  check_experts(backend, team, checks);
  check_router(backend, team, checks);
  check_rms_norm(backend, team, checks);
  check_rotary(backend, team, checks);
  check_hyper_connection(backend, team, checks);
  check_activation_rounding(backend, team, checks);
  check_compressor_pool(backend, team, checks);
  check_indexer(backend, team, checks);
  check_sparse_attention(backend, team, checks);
  check_compress(backend, team, checks);
  check_store_rows(backend, team, checks);
  check_finish_rows(backend, team, checks);
  check_streams(backend, team, checks);
  return checks;
}

}  // namespace hadal
