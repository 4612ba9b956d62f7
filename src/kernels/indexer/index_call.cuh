// What the kernels of the indexer share: the sequences of a call, and scores as
// numbers that order like them.
#pragma once

#include <cstdint>

#include "kernels/cuda/numbers.cuh"
#include "kernels/indexer/indexer_params.h"

namespace hadal::cuda {

// Where a token of the call stands.
struct IndexPlace {
  int32_t sequence;
  int32_t token;  // of its sequence's chunk
};

// All sequences of a call, of which a launch takes the tokens from
// `first_token` on. `places`: of all tokens; null where every sequence has one.
struct IndexCall {
  const IndexerParams* sequences;
  const IndexPlace* places;
  int32_t first_token;

  // Of the launch's token `row`.
  __device__ IndexPlace place(int row) const {
    return places == nullptr ? IndexPlace{first_token + row, 0}
                             : places[first_token + row];
  }
};

__device__ inline int visible_rows(const IndexerParams& params, int token) {
  return static_cast<int>(
      static_cast<uint32_t>(params.first_position + token + 1) /
      static_cast<uint32_t>(params.ratio));
}

// Never 0, so that 0 can stand for no row at all; +0 and -0 are equal.
__device__ inline uint32_t ordered_key(float score) {
  const uint32_t bits = __float_as_uint(score + 0.0F);
  if ((bits & 0x7FFFFFFF) > kFloatInfinity)
    return 1;
  return (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
}

}  // namespace hadal::cuda
