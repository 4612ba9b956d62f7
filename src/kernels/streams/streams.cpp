#include "kernels/streams/streams.h"

#include <algorithm>

#include "kernels/codecs/dequantize.h"

namespace hadal {

void embed_cpu(const EmbedParams& params, ThreadTeam& team) {
  const int64_t dim = params.weight.cols;
  constexpr int64_t kGrain = 8;
  team.parallel_for(
      params.tokens, kGrain, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t t = begin; t < end; ++t) {
          float* const row = params.out + t * params.copies * dim;
          dequantize_row(params.weight, params.ids[t], row);
          for (int64_t k = 1; k < params.copies; ++k)
            std::copy_n(row, dim, row + k * dim);
        }
      });
}

void add_to_streams_cpu(const AddToStreamsParams& params, ThreadTeam& team) {
  constexpr int64_t kGrain = 8;
  team.parallel_for(
      params.tokens, kGrain, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t t = begin; t < end; ++t)
          for (int64_t k = 0; k < params.n; ++k)
            for (int64_t d = 0; d < params.dim; ++d) {
              const int64_t at = (t * params.n + k) * params.dim + d;
              params.out[at] = params.a[at] + params.b[t * params.dim + d];
            }
      });
}

}  // namespace hadal
