// Pooling of token windows into compressed rows (spec 3.7).
#pragma once

#include <cstdint>

namespace hadal {

// Windows [first_window, first_window + windows) of one sequence, whose chunk
// begins at position `chunk_start`. Token values z and gates g (with the
// position bias added) of positions >= chunk_start lie in chunk_z/g, older ones
// in the history ring at slot (position mod capacity). Per channel, a softmax
// over the window's gates weighs its values. Ratio 4 pools the previous window
// (first half of the channels) with the own one (second half); before position
// 0 there is nothing, which scores minus infinity.
struct CompressorPoolParams {
  int64_t ratio = 0;  // 4 or 128
  int64_t dim = 0;  // output channels; z and g have dim * (ratio == 4 ? 2 : 1)
  const float* chunk_z = nullptr;    // [chunk tokens, stride]
  const float* chunk_g = nullptr;    // [chunk tokens, stride]
  int64_t chunk_stride = 0;          // floats
  int64_t chunk_start = 0;           // absolute position of chunk row 0
  const float* history_z = nullptr;  // [capacity, channels]
  const float* history_g = nullptr;
  int64_t history_capacity = 0;
  int64_t first_window = 0;
  int64_t windows = 0;
  float* out = nullptr;  // [windows, dim], before the norm
};

}  // namespace hadal
