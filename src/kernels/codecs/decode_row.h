// dequantize_row with vectors, for passes over whole checkpoints.
#pragma once

#include <cstdint>

#include "kernels/weight_view.h"

namespace hadal {

// The bits of dequantize_row (dequantize.h), faster for the formats of
// releases.
void decode_weight_row(const WeightView& view, int64_t row, float* out);

}  // namespace hadal
