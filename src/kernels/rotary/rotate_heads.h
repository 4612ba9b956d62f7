// The inner loops of the rotation, on the best instruction set here.
#pragma once

#include <cstdint>

namespace hadal {

// The factors of one position for `pairs` pairs: cosines[2i] = cosines[2i + 1]
// = cos a_i, sines[2i] = -sin a_i, sines[2i + 1] = sin a_i (signs swapped for
// the inverse), a_i = float32(position * f_i).
void rotary_factors(
    float position,
    const float* frequencies,
    int64_t pairs,
    bool inverse,
    float* cosines,
    float* sines);

// In place for every head: `rotary_dim` channels from x + h * stride on.
void rotate_heads(
    const float* cosines,
    const float* sines,
    int64_t heads,
    int64_t rotary_dim,
    int64_t stride,
    float* x);

}  // namespace hadal
