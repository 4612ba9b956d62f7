// Where the parts of a stored row lie (row_format.h), for kernels that read
// rows in place. encode_row and decode_row are declared in row_format.h.
#pragma once

#include <cstdint>

#include "kernels/row_format.h"

namespace hadal {

inline constexpr int64_t kFp8RowBlock = 64;  // channels a scale
inline constexpr int64_t kFp4RowBlock = 32;

// Byte offsets in an fp8 row: codes at 0, then the scales, then the rotary
// channels (bfloat16, at an odd address in the models' rows). Padding bytes at
// the end are zero.
constexpr int64_t fp8_row_scales(const RowLayout& layout) {
  return layout.dim - layout.rotary;
}
constexpr int64_t fp8_row_rotary(const RowLayout& layout) {
  return fp8_row_scales(layout) +
         (layout.dim - layout.rotary + kFp8RowBlock - 1) / kFp8RowBlock;
}

// Byte offset of the scales of an fp4 row; codes at 0, low nibble first.
constexpr int64_t fp4_row_scales(const RowLayout& layout) {
  return layout.dim / 2;
}

}  // namespace hadal
