// The CPU implementation.
#include "kernels/compressor_pool/compressor_pool.h"

namespace hadal {

void compressor_pool_cpu(const CompressorPoolParams& params, ThreadTeam& team) {
  compressor_pool_reference(params, team);
}

}  // namespace hadal
