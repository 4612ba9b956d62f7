// The CPU implementation.
#include "kernels/sparse_attention/sparse_attention.h"

namespace hadal {

void sparse_attention_cpu(
    const SparseAttentionParams& params, ThreadTeam& team) {
  sparse_attention_reference(params, team);
}

}  // namespace hadal
