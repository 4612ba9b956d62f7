// Cases of the rotation: the models' shapes, positions to 2^20, both
// directions.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/rotary/rotary_params.h"

namespace hadal {

struct RotaryCase {
  const char* name;
  int64_t tokens;
  int64_t heads;
  int64_t dim;
  int64_t rotary_dim;
  int64_t first_position;
  bool inverse = false;
};

// Both sides round the same sine and cosine to float32, one of them from a
// polynomial with an error of 1e-15: rarely one differs in its last place,
// which moves a channel of size 1 by 1.2e-7. Measured: equal bits.
inline constexpr double kRotaryTolerance = 3e-7;
inline constexpr double kRotaryFloor = 1.0;

inline constexpr RotaryCase kRotaryCases[] = {
    {"nano queries", 9, 8, 128, 64, 0},
    {"flash queries", 5, 64, 512, 64, 4095},
    {"flash output, inverse", 5, 64, 512, 64, 4095, true},
    {"window rows", 130, 1, 512, 64, 127},
    {"pro, one token, far", 1, 128, 512, 64, 1048575},
    {"far positions", 50, 2, 128, 64, 1048500, true},
    {"odd sizes", 3, 3, 23, 10, 77},
    {"all channels", 3, 2, 128, 128, 100},
};

class RotaryInputs {
 public:
  explicit RotaryInputs(const RotaryCase& shape);

  // Fresh input values, [tokens, heads, dim] with some floats between tokens.
  const std::vector<float>& values() const { return values_; }

  // Tokens [first, first + count) of `x`, a copy of values().
  RotaryParams part(int64_t first, int64_t count, float* x) const;

  const RotaryCase& shape() const { return shape_; }

 private:
  RotaryCase shape_;
  int64_t stride_ = 0;
  std::vector<float> values_;
  std::vector<float> frequencies_;
  std::vector<int64_t> positions_;
};

}  // namespace hadal
