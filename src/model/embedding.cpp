#include "model/embedding.h"

#include <algorithm>

#include "kernels/codecs/dequantize.h"

namespace hadal {

void embed_tokens(const Pass& pass, float* out) {
  const int64_t dim = pass.config().hidden_size;
  for (int64_t t = 0; t < pass.chunk.tokens(); ++t)
    dequantize_row(
        pass.network.weights.embed,
        pass.chunk.ids[static_cast<size_t>(t)],
        out + t * dim);
}

void embed_streams(const Pass& pass, float* streams) {
  const int64_t dim = pass.config().hidden_size;
  const int64_t n = pass.config().hc_mult;
  for (int64_t t = 0; t < pass.chunk.tokens(); ++t) {
    float* const row = streams + t * n * dim;
    dequantize_row(
        pass.network.weights.embed,
        pass.chunk.ids[static_cast<size_t>(t)],
        row);
    for (int64_t k = 1; k < n; ++k)
      std::copy_n(row, dim, row + k * dim);
  }
}

}  // namespace hadal
