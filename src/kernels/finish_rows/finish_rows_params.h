// What happens to rows between a projection and their use: norm, rotation,
// rounding, storing (spec 3.2, 3.3, 3.7, 3.8).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/row_format.h"

namespace hadal {

enum class RowRounding : uint8_t {
  none,
  fp8,           // spec 8.1: all but the rotating channels, blocks of 64
  hadamard_fp4,  // spec 3.8 and 8.2: the whole row, blocks of 32
};

// The steps, in this order; each may be left out.
struct RowFinish {
  int64_t dim = 0;
  bool norm = false;                   // rms_norm.h
  const float* norm_weight = nullptr;  // [dim]; null: none
  float norm_eps = 0;
  int64_t rotary_dim = 0;              // the last channels; rotary.h
  const float* frequencies = nullptr;  // [rotary_dim / 2]
  RowRounding rounding = RowRounding::none;
};

// In place on x. Row r belongs to head r mod heads of the token at
// positions[r / heads].
struct FinishRowsParams {
  float* x = nullptr;  // [rows, dim]
  int64_t rows = 0;
  int64_t heads = 1;
  const int64_t* positions = nullptr;  // [rows / heads]
  RowFinish finish;
  // Where the rows are stored, too, one after the other; null: nowhere.
  RowLayout layout;
  std::byte* encoded = nullptr;
};

}  // namespace hadal
