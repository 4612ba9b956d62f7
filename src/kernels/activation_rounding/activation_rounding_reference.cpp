// The meaning of the roundings in plain scalar code.
#include <algorithm>
#include <cmath>

#include "kernels/activation_rounding/activation_rounding.h"
#include "kernels/codecs/number_formats.h"

namespace hadal {

void fp8_round_trip_reference(
    const Fp8RoundTripParams& params, ThreadTeam& team) {
  team.parallel_for(params.rows, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r)
      for (int64_t k = 0; k < params.cols; k += params.block) {
        float* x = params.x + r * params.stride + k;
        const int64_t count = std::min(params.block, params.cols - k);
        const float s = fp8_block_scale(largest_magnitude(x, count));
        for (int64_t i = 0; i < count; ++i)
          x[i] = e4m3_to_float(float_to_e4m3(x[i] / s)) * s;
      }
  });
}

void hadamard_fp4_reference(const HadamardFp4Params& params, ThreadTeam& team) {
  const int64_t dim = params.dim;
  const float factor =
      static_cast<float>(1 / std::sqrt(static_cast<double>(dim)));
  team.parallel_for(params.rows, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      float* x = params.x + r * params.stride;
      for (int64_t h = 1; h < dim; h *= 2)
        for (int64_t i = 0; i < dim; ++i)
          if ((i & h) == 0) {
            const float a = x[i];
            const float b = x[i + h];
            x[i] = a + b;
            x[i + h] = a - b;
          }
      for (int64_t i = 0; i < dim; ++i)
        x[i] *= factor;
      for (int64_t k = 0; k < dim; k += 32) {
        const float s = fp4_block_scale(largest_magnitude(x + k, 32));
        for (int64_t i = k; i < k + 32; ++i)
          x[i] = e2m1_to_float(float_to_e2m1(x[i] / s)) * s;
      }
    }
  });
}

}  // namespace hadal
