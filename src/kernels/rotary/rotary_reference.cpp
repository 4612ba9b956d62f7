// The meaning of the rotation in plain scalar float32.
#include <cmath>

#include "kernels/rotary/rotary.h"

namespace hadal {
namespace {

void rotate_head(const RotaryParams& params, float* rotary, int64_t position) {
  for (int64_t i = 0; i < params.rotary_dim / 2; ++i) {
    const float angle = static_cast<float>(position) * params.frequencies[i];
    const float cosine = static_cast<float>(std::cos(double{angle}));
    const float sine = static_cast<float>(std::sin(double{angle})) *
                       (params.inverse ? -1.0f : 1.0f);
    const float x = rotary[2 * i];
    const float y = rotary[2 * i + 1];
    rotary[2 * i] = x * cosine - y * sine;
    rotary[2 * i + 1] = x * sine + y * cosine;
  }
}

}  // namespace

void rotary_reference(const RotaryParams& params, ThreadTeam& team) {
  team.parallel_for(
      params.tokens, 1, [&](int64_t begin, int64_t end, int /*member*/) {
        for (int64_t token = begin; token < end; ++token) {
          float* x = params.x + token * params.x_stride;
          for (int64_t head = 0; head < params.heads; ++head) {
            float* rotary = x + (head + 1) * params.dim - params.rotary_dim;
            rotate_head(params, rotary, params.positions[token]);
          }
        }
      });
}

}  // namespace hadal
