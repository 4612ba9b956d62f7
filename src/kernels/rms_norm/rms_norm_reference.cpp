// The meaning of the norm in plain scalar code.
#include <cmath>

#include "kernels/rms_norm/rms_norm.h"

namespace hadal {

void rms_norm_reference(const RmsNormParams& params, ThreadTeam& team) {
  team.parallel_for(params.rows, 1, [&](int64_t begin, int64_t end, int) {
    for (int64_t r = begin; r < end; ++r) {
      const float* x = params.x + r * params.x_stride;
      float* y = params.y + r * params.y_stride;
      float sum = 0;
      for (int64_t i = 0; i < params.dim; ++i)
        sum += x[i] * x[i];
      const float mean = sum / static_cast<float>(params.dim);
      const float f = 1 / std::sqrt(mean + params.eps);
      for (int64_t i = 0; i < params.dim; ++i) {
        const float scaled = x[i] * f;
        y[i] = params.weight != nullptr ? scaled * params.weight[i] : scaled;
      }
    }
  });
}

}  // namespace hadal
