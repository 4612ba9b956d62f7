// Large matrices of sane random values, made as fast as memory takes them: for
// benchmarks, where the values do not matter but their speed does. Tests use
// random_weight.h.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/weight_view.h"

namespace hadal {

// Bytes of the codes of a row (dense), and of the scales of a row (for
// fp8_block of a block row). Only format, scale_format, bits, group, rows and
// cols of `like` are read.
int64_t weight_row_bytes(const WeightView& like);
int64_t weight_scale_stride(const WeightView& like);

// What a reader of the whole matrix takes from memory: codes, scales, biases.
int64_t stored_bytes(const WeightView& view);

// The view with its pointers and strides set: codes, scales and biases of
// `like` one after the other in `memory` of layout_bytes(like), each aligned to
// 64 bytes.
int64_t layout_bytes(const WeightView& like);
WeightView lay_out_weight(const WeightView& like, std::byte* memory);

// Fills a laid out matrix. Weights are finite, of both signs and of a size near
// `size` (root of the mean square within a factor of 2; 1 / sqrt(cols) keeps a
// product's outputs as large as its inputs). The same seed gives the same bytes
// on every machine. Single-threaded; different matrices may be filled at once.
void fill_weight(const WeightView& view, uint64_t seed, double size);

}  // namespace hadal
