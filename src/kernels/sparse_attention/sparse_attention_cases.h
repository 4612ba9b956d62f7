// Cases of sparse attention: shapes of the models, edges of the window and of
// the compressed rows, every row format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/row_format.h"
#include "kernels/sparse_attention/sparse_attention_params.h"

namespace hadal {

struct SparseAttentionCase {
  const char* name;
  int64_t heads;
  int64_t dim;
  int64_t rotary;
  int64_t first_position;
  int64_t tokens;
  int64_t ratio;
  int64_t top_k;  // 0: no selection
  RowFormat window_format;
  RowFormat compressed_format;
  float sink = 0.5f;
  int64_t window = 128;
};

// Scores are about normal with deviation 1 (q has deviation 1, keys too, scale
// is dim^-1/2). Both sides sum in float32, in another order: a score of some
// hundred terms is off by about 1e-6, which is the relative error of a weight;
// outputs are means of values of size 1. Measured: up to 5e-7.
inline constexpr double kSparseAttentionTolerance = 5e-6;
inline constexpr double kSparseAttentionFloor = 1.0;

inline constexpr SparseAttentionCase kSparseAttentionCases[] = {
    {"nano window", 8, 128, 64, 300, 9, 0, 0, RowFormat::fp8, RowFormat::f32},
    {"nano sparse", 8, 128, 64, 998, 13, 4, 64, RowFormat::fp8, RowFormat::fp8},
    {"nano heavy", 8, 128, 64, 4000, 5, 128, 0, RowFormat::fp8, RowFormat::fp8},
    {"flash sparse",
     64,
     512,
     64,
     4090,
     2,
     4,
     512,
     RowFormat::fp8,
     RowFormat::fp8},
    {"flash heavy, 40 K",
     64,
     512,
     64,
     40000,
     2,
     128,
     0,
     RowFormat::fp8,
     RowFormat::fp8},
    // Too many rows to keep for a group, few enough for one token.
    {"many selected",
     8,
     128,
     64,
     1500,
     9,
     4,
     200,
     RowFormat::fp8,
     RowFormat::fp8},
    {"flash rows", 4, 512, 64, 300, 3, 4, 70, RowFormat::fp8, RowFormat::fp8},
    {"pro heads",
     128,
     512,
     64,
     700,
     1,
     128,
     0,
     RowFormat::bf16,
     RowFormat::bf16},
    {"from nothing", 4, 128, 64, 0, 9, 4, 16, RowFormat::f32, RowFormat::f32},
    {"window fills", 2, 128, 64, 124, 8, 4, 8, RowFormat::bf16, RowFormat::f32},
    {"window turns",
     3,
     128,
     64,
     253,
     6,
     128,
     0,
     RowFormat::f32,
     RowFormat::bf16},
    {"one head", 1, 128, 64, 500, 3, 4, 7, RowFormat::fp8, RowFormat::fp8},
    {"odd heads", 13, 192, 64, 150, 5, 4, 20, RowFormat::fp8, RowFormat::f32},
    {"odd size", 5, 80, 16, 260, 4, 4, 33, RowFormat::fp8, RowFormat::bf16},
    {"small size", 2, 24, 8, 260, 4, 128, 0, RowFormat::f32, RowFormat::fp8},
    {"small window",
     4,
     128,
     64,
     90,
     7,
     4,
     30,
     RowFormat::fp8,
     RowFormat::fp8,
     0.0f,
     16},
    {"huge sink",
     4,
     128,
     64,
     200,
     2,
     4,
     10,
     RowFormat::f32,
     RowFormat::f32,
     3000.0f},
    {"no sink",
     4,
     128,
     64,
     200,
     2,
     4,
     10,
     RowFormat::f32,
     RowFormat::f32,
     -1e30f},
};

// A case's content. It depends on absolute positions alone, so that any part of
// the chunk can be run on its own: the rows before it are then in the ring.
class SparseAttentionInputs {
 public:
  explicit SparseAttentionInputs(const SparseAttentionCase& shape);

  // Parameters for tokens [first, first + count) of the case's chunk, writing
  // `out` [count, heads, dim], its rotation undone. They point into this object
  // and stay valid until the next call; the ring's unused slots hold NaN.
  SparseAttentionParams chunk(int64_t first, int64_t count, float* out);

  const SparseAttentionCase& shape() const { return shape_; }

 private:
  SparseAttentionCase shape_;
  RowLayout window_layout_;
  RowLayout compressed_layout_;
  int64_t oldest_ = 0;  // position of row 0 of window_rows_
  std::vector<std::byte> window_rows_;
  std::vector<std::byte> compressed_rows_;
  std::vector<const std::byte*> pages_;
  std::vector<std::byte> ring_;
  std::vector<float> q_;
  std::vector<float> sinks_;
  std::vector<float> frequencies_;
  std::vector<int32_t> selected_;
  std::vector<int32_t> counts_;
};

}  // namespace hadal
