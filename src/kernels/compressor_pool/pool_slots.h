// The inner loop of the compressor's pooling, on the best instruction set here.
#pragma once

#include <cstdint>

namespace hadal {

inline constexpr int64_t kMaxPoolSlots = 128;

// out[e] = sum_i exp(g[i][e] - max) z[i][e] / sum_i exp(g[i][e] - max) for
// channels e < count, slots in increasing i.
void pool_slots(
    const float* const* z,
    const float* const* g,
    int64_t slots,
    int64_t count,
    float* out);

}  // namespace hadal
