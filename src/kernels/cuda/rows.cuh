// Cached rows where they lie in the device's memory (row_format.h).
#pragma once

#include <cstdint>

#include "kernels/codecs/row_codec.h"
#include "kernels/cuda/numbers.cuh"
#include "kernels/row_format.h"

namespace hadal::cuda {

// Channel i of a stored row.
__device__ inline float row_value(
    const RowLayout& layout, const std::byte* row, int64_t i) {
  const auto* const bytes = reinterpret_cast<const uint8_t*>(row);
  switch (layout.format) {
    case RowFormat::f32:
      return reinterpret_cast<const float*>(row)[i];
    case RowFormat::bf16:
      return bf16_value(reinterpret_cast<const uint16_t*>(row)[i]);
    case RowFormat::fp8: {
      const int64_t coded = layout.dim - layout.rotary;
      if (i < coded)
        return e4m3_value(bytes[i]) *
               e8m0_value(bytes[fp8_row_scales(layout) + i / kFp8RowBlock]);
      // At an odd address in the models' rows.
      const uint8_t* const pair =
          bytes + fp8_row_rotary(layout) + 2 * (i - coded);
      return bf16_value(pair[0] | pair[1] << 8);
    }
    case RowFormat::fp4:
      return e2m1_value(bytes[i / 2] >> (i % 2 * 4) & 15) *
             e8m0_value(bytes[fp4_row_scales(layout) + i / kFp4RowBlock]);
  }
  return 0;
}

__device__ inline const std::byte* paged_row(
    const PagedRows& rows, int64_t index, int64_t row_bytes) {
  return rows.pages[index / rows.rows_per_page] +
         index % rows.rows_per_page * row_bytes;
}

}  // namespace hadal::cuda
