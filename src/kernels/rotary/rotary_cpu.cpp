// The rotation on the CPU: the factors of a position once, then all its heads.
#include "base/aligned_buffer.h"
#include "kernels/rotary/rotary.h"
#include "kernels/rotary/rotate_heads.h"

namespace hadal {
namespace {

float* factor_scratch(int64_t floats) {
  thread_local AlignedBuffer<float> of_thread;
  return of_thread.reserve(floats);
}

}  // namespace

void rotary_cpu(const RotaryParams& params, ThreadTeam& team) {
  constexpr int64_t kGrain = 2;  // tokens worth a thread
  team.parallel_for(
      params.tokens, kGrain, [&](int64_t begin, int64_t end, int /*member*/) {
        float* cosines = factor_scratch(2 * params.rotary_dim);
        float* sines = cosines + params.rotary_dim;
        for (int64_t token = begin; token < end; ++token) {
          rotary_factors(
              static_cast<float>(params.positions[token]),
              params.frequencies,
              params.rotary_dim / 2,
              params.inverse,
              cosines,
              sines);
          rotate_heads(
              cosines,
              sines,
              params.heads,
              params.rotary_dim,
              params.dim,
              params.x + token * params.x_stride + params.dim -
                  params.rotary_dim);
        }
      });
}

}  // namespace hadal
