// The activation between an expert's two products.
#pragma once

#include <cstdint>

namespace hadal {

// out[i] = (silu(g) * u) * weight with g = gate[i], u = up[i], clamped when
// limit > 0 (experts.h). out may equal gate or up. The same bits on every
// instruction set.
void swiglu(
    const float* gate,
    const float* up,
    int64_t count,
    float limit,
    float weight,
    float* out);

}  // namespace hadal
