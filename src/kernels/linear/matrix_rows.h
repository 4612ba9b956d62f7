// The row kernels (matrix_rows.cuh): products of up to a few dozen tokens, at
// the speed of the memory that the weights come from. Several products are one
// launch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/cuda/launch.h"
#include "kernels/linear/matrix_product.h"

namespace hadal::cuda {

// Which body of the kernel a job takes.
enum class RowsKind : uint8_t {
  bf16,
  e4m3,        // E8M0 scales a block or a group
  e4m3_apart,  // blocks with other scales
  e2m1,
  affine2,
  affine4,
  affine8,
  affine_odd,  // 3, 5 and 6 bits
};

struct RowsJob {
  WeightView weight;
  RowsKind kind = RowsKind::bf16;
  bool rounded = false;  // bfloat16 activations: one part, else three
  // Blocks first_block .. + blocks - 1 share its tiles evenly.
  int32_t first_block = 0;
  int32_t blocks = 0;
  int16_t scale_columns = 0;  // that share a scale
  int16_t scale_bytes = 0;    // of one scale
  const float* x = nullptr;
  int64_t x_stride = 0;
  // Prepared activations of several tokens [parts, tokens, padded], the
  // smallest part last, and [tokens, padded / 32] sums; `padded` are the
  // columns in whole segments. Of one token they are null: every block prepares
  // it for itself.
  const uint16_t* inputs = nullptr;
  const float* input_sums = nullptr;
  int64_t padded = 0;
  float* y = nullptr;
  int64_t y_stride = 0;
};

// One launch.
constexpr int kMostRowsJobs = 16;
struct RowsLaunch {
  RowsJob jobs[kMostRowsJobs];
  int32_t count = 0;
  int32_t tokens = 0;
};

// Warps of a block: one a partial sum.
constexpr int kRowsWarps = kPartials;
constexpr int64_t kRingBytes = 6144;  // a warp's weights on their way

// The bytes of `scales` (and `biases`) that `rows` rows need.
struct ScaleSpan {
  int64_t begin = 0;
  int64_t bytes = 0;
  // In shared memory, wherever they begin, with a few bytes to spare.
  constexpr int64_t room() const { return (bytes + 15) / 16 * 16 + 32; }
};
constexpr ScaleSpan scale_span(
    const RowsJob& job, int64_t first_row, int64_t rows) {
  const WeightView& weight = job.weight;
  if (weight.scales == nullptr)
    return {};
  const bool blocks = weight.format == WeightFormat::fp8_block;
  const int64_t left = weight.rows - first_row;
  const int64_t end = first_row + (left < rows ? left : rows);
  const int64_t first = blocks ? first_row / 128 : first_row;
  const int64_t count = (blocks ? (end + 127) / 128 : end) - first;
  const int64_t columns = blocks ? 128 : job.scale_columns;
  const int64_t row_bytes =
      (weight.cols + columns - 1) / columns * job.scale_bytes;
  return {
      first * weight.scale_stride,
      (count - 1) * weight.scale_stride + row_bytes};
}

// The kernels, for tiles of `rows` = 8 or 16 rows: for one token, which every
// block prepares for itself; for blocks (grid.y) of 8 prepared tokens; and, of
// 16 rows, for blocks of `tokens` = 16 or 32.
using RowsKernel = void (*)(RowsLaunch);
RowsKernel rows_kernel_alone(int rows);
RowsKernel rows_kernel_few(int rows);
RowsKernel rows_kernel_some(int tokens);

// Dynamic shared memory of a block for `tiles` tiles of `rows` rows of a job:
// the rings, the partial sums of `columns` tokens (one that is alone has one),
// scales, biases, the inputs of a token that is alone.
constexpr int64_t rows_shared_bytes(
    const RowsJob& job, int tiles, int rows, int columns) {
  // Blocks of scales are met at worst once more than their rows say.
  const bool blocks = job.weight.format == WeightFormat::fp8_block;
  const ScaleSpan span = scale_span(job, 0, tiles * rows + (blocks ? 128 : 0));
  const int64_t scales = span.bytes == 0 ? 0 : span.room();
  const int64_t inputs =
      job.padded / 8 + job.padded * 2 * (job.rounded ? 1 : 3);
  return kRowsWarps * (kRingBytes + int64_t{4} * tiles * rows * columns) +
         scales * (job.weight.biases != nullptr ? 2 : 1) +
         (columns == 1 ? inputs : 0);
}

// The products with activations of int8 and int16 rounded, as float32.
std::vector<LinearParams> round_integer_inputs(
    std::span<const LinearParams> products);
// Prepares the inputs of several tokens for jobs[i], which is products[i]: once
// where products have them in common.
void prepare_inputs(
    std::span<const LinearParams> products, std::span<RowsJob> jobs);

}  // namespace hadal::cuda
