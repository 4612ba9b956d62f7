// How rows of integer activation codes lie in memory: what the preparation
// (integer_input.cpp) writes and the product kernels read.
//
// A row is a sequence of groups of 128 columns, one address for all that a
// kernel needs of them:
//   int8    128 codes, then the factors
//   int16   128 high bytes, 128 low bytes (code = 256 * high + low), the
//           factors
// Of the 128 the 64 even columns come first, as the nibbles of 4-bit weights
// fall apart; block b of 32 columns is bytes [16b, 16b + 16) of either half.
// Columns beyond the last are zeros, and so are the factors of blocks beyond
// the last.
//
// Groups 0, 4, 8, ... come first, then 1, 5, 9, ... and so on, each set filled
// up with zeros to the same length: the blocks of a set go to the same four
// accumulators (linear.h), so panels read them one after the other.
#pragma once

#include <cstdint>

#include "kernels/linear/linear_params.h"

namespace hadal {

inline constexpr int64_t kGroupColumns = 128;
inline constexpr int64_t kGroupBlocks = 4;

// The value of an mxfp4 code counts halves from -6: unsigned codes are 12 more.
inline constexpr int32_t kFp4Offset = 12;

struct BlockFactors {
  float scale[kGroupBlocks];       // s of linear.h
  int32_t offset[kGroupBlocks];    // -12 * sum of the codes, for mxfp4
  float scaled_sum[kGroupBlocks];  // s * float(sum of the codes), for affine
  int32_t unused[kGroupBlocks];    // up to a cache line
};
static_assert(sizeof(BlockFactors) == 64);

constexpr int64_t code_planes(ActivationFormat format) {
  return format == ActivationFormat::int16 ? 2 : 1;
}
constexpr int64_t group_bytes(ActivationFormat format) {
  return code_planes(format) * kGroupColumns + 64;
}
inline constexpr int64_t kGroupSets = 4;
constexpr int64_t groups_in_set(int64_t cols) {
  return (cols + kGroupSets * kGroupColumns - 1) / (kGroupSets * kGroupColumns);
}
// Where group g of `cols` columns lies, in groups.
constexpr int64_t group_place(int64_t g, int64_t cols) {
  return g % kGroupSets * groups_in_set(cols) + g / kGroupSets;
}
constexpr int64_t integer_row_bytes(ActivationFormat format, int64_t cols) {
  return kGroupSets * groups_in_set(cols) * group_bytes(format);
}

// Writes `cols` activations as the codes and factors of one row.
void prepare_integer_row(
    ActivationFormat format, const float* x, int64_t cols, int8_t* row);

}  // namespace hadal
