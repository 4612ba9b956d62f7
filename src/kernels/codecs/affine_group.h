// The numbers of one group of MLX's affine format, in plain C++: what the
// encoder's vector code and its tests share. Internal to this folder.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/codecs/affine.h"
#include "kernels/codecs/affine_encode.h"

namespace hadal {

inline constexpr int64_t kLargestAffineGroup = 128;

inline constexpr int64_t kLargestFeedbackBlock = 512;

// What encoding a part of a row needs on the side.
struct RowScratch {
  static constexpr int64_t kColumns = 4096;
  float targets[kColumns];
  float codes[kColumns];
  float errors[kColumns];
};

struct AffinePair {
  float scale = 0;
  float bias = 0;
};

// MLX's rule for a group with values in [low, high] and codes 0 to `top`: an
// even division of the range; the end of the larger magnitude is the bias, and
// the scale is changed a little so that zero is a whole number of steps away.
// The scale is negative when that end is the upper one. Not rounded.
AffinePair plain_affine_pair(float low, float high, float top);

// The value that a scale or bias has once it is stored; infinite when it does
// not fit.
float stored_scale(ScaleFormat format, float value);
// The next stored number, `step` = -1 or 1 away in magnitude; the number itself
// at 0 and at the ends of the format.
float neighbour_scale(ScaleFormat format, float stored, int step);
// Writes entry `index` of an array of scales.
void store_scale(
    ScaleFormat format, float value, std::byte* array, int64_t index);

// Where the search begins: `widths` shares of the group's range around its
// middle, `first` being the widest; then the range with one end cut off, the
// lower or the upper, by 1 to `cuts` times `cut`. Few levels pay for cutting
// tails, many do not; one end is better cut where a few heavy channels decide.
struct SearchRanges {
  float first = 1;
  float step = 0;
  int widths = 1;
  int cuts = 0;
  float cut = 0;
};
SearchRanges search_ranges(float top);

// Breaks an invariant for a format that does not exist or columns that are no
// multiple of the group.
void check_affine_format(const AffineFormat& format, int64_t cols);

}  // namespace hadal
