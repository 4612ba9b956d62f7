// Contract of the rotation by position, and the frequencies (spec 3.3).
#pragma once

#include <cstdint>
#include <vector>

#include "base/thread_team.h"
#include "kernels/rotary/rotary_params.h"

namespace hadal {

// In place on channels [dim - rotary_dim, dim) of every head, pair i at
// (x, y) = channels (2i, 2i + 1) of them, with the angle
// a = float32(float32(position) * f_i):
//   x' = x * cos a - y * sin a,   y' = x * sin a + y * cos a;
// `inverse` negates the sine. Sine and cosine are those of the float32 angle,
// within 2 ulp; every product and sum is rounded to float32 on its own (no
// fusing). The rounded float32 angle is part of the meaning: near position 10^6
// a table made in double precision is another function.
//
// Guaranteed by the caller: rotary_dim is even and <= dim;
// 0 <= position < 2^24 and the angles stay below 2^24.
//
// A head's bits depend on its own values and position alone.
void rotary_reference(const RotaryParams& params, ThreadTeam& team);
void rotary_cpu(const RotaryParams& params, ThreadTeam& team);

// Parameters of the YaRN blend of spec 3.3; factor <= 1 turns it off. The
// magnitude factor of YaRN is 1 in these models and does not exist here.
struct YarnScaling {
  double factor = 1;
  int64_t original_positions = 65536;
  double beta_fast = 32;
  double beta_slow = 1;
};

// The `rotary_dim / 2` frequencies f_i of a layer, in radians a position.
std::vector<float> rotary_frequencies(
    double theta, int64_t rotary_dim, const YarnScaling& yarn = {});

}  // namespace hadal
