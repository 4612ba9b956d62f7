// Cases of the norm: the models' widths, edges of the sixteen lanes.
#pragma once

#include <cstdint>

namespace hadal {

struct RmsNormCase {
  const char* name;
  int64_t rows;
  int64_t dim;
  bool weighted;
  float size;  // of the values of x
};

// Both compute the same formula in float32; sums of 7,168 squares in another
// order differ by less than 1e-5 relatively (all terms are positive), and the
// square root halves that.
inline constexpr double kRmsNormTolerance = 1e-5;

inline constexpr RmsNormCase kRmsNormCases[] = {
    {"flash hidden", 3, 4096, true, 1},
    {"pro hidden", 2, 7168, true, 30},
    {"flash q heads", 64, 512, false, 1},
    {"flash kv", 5, 512, true, 1},
    {"nano hidden", 200, 384, true, 1e-3F},
    {"one channel", 2, 1, true, 1},
    {"odd width", 7, 37, true, 1},
    {"below eps", 2, 96, false, 1e-5F},
    {"zeros", 2, 64, true, 0},
    {"huge", 2, 64, true, 1e18F},
};

}  // namespace hadal
