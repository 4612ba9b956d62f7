// The order in which products with float32 and bfloat16 activations take the
// columns (linear.h), as places in memory.
//
// A group of 64 columns goes to sixteen lanes in four steps. Loaded as bytes
// or as pairs of 16-bit numbers the columns fall apart this way by themselves:
//   lane of column k = 4 * (k / 16) + k % 8 / 2
//   its step         = 0, 1, 2, 3 for k % 16 % 8 odd, even below 8; odd, even
//                      from 8 on
#pragma once

#include <cstdint>

namespace hadal {

inline constexpr int64_t kFloatGroup = 64;    // columns
inline constexpr int64_t kFloatLanes = 16;    // accumulators of an output
inline constexpr int64_t kScaleColumns = 32;  // of a widened scale

constexpr int64_t float_lane(int64_t column) {
  return column % 64 / 16 * 4 + column % 8 / 2;
}
constexpr int64_t float_step(int64_t column) {
  return (column % 16 < 8 ? 0 : 2) + (column % 2 == 0 ? 1 : 0);
}
// The column of a group that lane and step take.
constexpr int64_t float_column(int64_t lane, int64_t step) {
  return lane / 4 * 16 + step / 2 * 8 + lane % 4 * 2 + (step % 2 == 0 ? 1 : 0);
}

constexpr int64_t float_groups(int64_t cols) {
  return (cols + kFloatGroup - 1) / kFloatGroup;
}

}  // namespace hadal
