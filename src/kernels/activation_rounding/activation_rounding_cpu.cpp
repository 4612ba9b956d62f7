// Shares the rows among the threads.
#include <cmath>

#include "kernels/activation_rounding/activation_rounding.h"
#include "kernels/activation_rounding/block_rounding.h"

namespace hadal {

void fp8_round_trip_cpu(const Fp8RoundTripParams& params, ThreadTeam& team) {
  team.parallel_for(params.rows, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r)
      round_fp8_row(params.x + r * params.stride, params.cols, params.block);
  });
}

void hadamard_fp4_cpu(const HadamardFp4Params& params, ThreadTeam& team) {
  const float factor =
      static_cast<float>(1 / std::sqrt(static_cast<double>(params.dim)));
  team.parallel_for(params.rows, 16, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r)
      hadamard_fp4_row(params.x + r * params.stride, params.dim, factor);
  });
}

}  // namespace hadal
