// The CPU implementation.
#include "kernels/indexer/indexer.h"

namespace hadal {

void indexer_cpu(const IndexerParams& params, ThreadTeam& team) {
  indexer_reference(params, team);
}

}  // namespace hadal
