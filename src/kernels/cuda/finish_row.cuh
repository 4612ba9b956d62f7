// One row between its projection and its use, by one block: norm, rotation,
// rounding, storing (finish_rows.h).
#pragma once

#include <cmath>
#include <cstdint>

#include "kernels/codecs/row_codec.h"
#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/sums.cuh"
#include "kernels/finish_rows/finish_rows_params.h"
#include "kernels/row_format.h"

namespace hadal::cuda {

// RowFinish and the form in which the row is stored, for the device.
struct RowPlan {
  RowFinish finish;
  RowLayout layout;
  int64_t row_bytes = 0;  // of the layout
  float hadamard = 0;     // 1 / sqrt(dim)
};

inline RowPlan make_row_plan(const RowFinish& finish, const RowLayout& layout) {
  return {
      finish,
      layout,
      layout.row_bytes(),
      static_cast<float>(1 / std::sqrt(static_cast<double>(finish.dim)))};
}

// row [dim] in shared memory, times the norm's factor.
template <int kThreads>
__device__ void norm_row(const RowFinish& finish, float* row, float* scratch) {
  float squares = 0;
  for (int64_t i = threadIdx.x; i < finish.dim; i += kThreads)
    squares = __fmaf_rn(row[i], row[i], squares);
  const float mean =
      block_sum<kThreads>(squares, scratch) / static_cast<float>(finish.dim);
  const float factor = 1 / sqrtf(mean + finish.norm_eps);
  for (int64_t i = threadIdx.x; i < finish.dim; i += kThreads)
    row[i] = finish.norm_weight == nullptr
                 ? row[i] * factor
                 : row[i] * factor * finish.norm_weight[i];
  __syncthreads();
}

template <int kThreads>
__device__ void rotate_row(
    const RowFinish& finish, int64_t position, float* row) {
  float* const x = row + finish.dim - finish.rotary_dim;
  for (int64_t i = threadIdx.x; i < finish.rotary_dim / 2; i += kThreads) {
    const float angle = static_cast<float>(position) * finish.frequencies[i];
    float sine;
    float cosine;
    sincosf(angle, &sine, &cosine);
    const float a = x[2 * i];
    const float b = x[2 * i + 1];
    x[2 * i] = a * cosine - b * sine;
    x[2 * i + 1] = a * sine + b * cosine;
  }
  __syncthreads();
}

// Blocks of `block` channels of row [0, cols): one warp a block calls
// use(first, count, largest magnitude's bits).
template <int kThreads, class Use>
__device__ void for_each_block(
    const float* row, int64_t cols, int64_t block, const Use& use) {
  const int64_t lane = threadIdx.x % kWarp;
  for (int64_t first = threadIdx.x / kWarp * block; first < cols;
       first += kThreads / kWarp * block) {
    const int64_t count = cols - first < block ? cols - first : block;
    uint32_t largest = 0;
    for (int64_t i = lane; i < count; i += kWarp)
      largest = max(largest, magnitude_bits(row[first + i]));
    use(first, count, warp_max(largest));
  }
}

template <int kThreads>
__device__ void round_fp8(const RowFinish& finish, float* row) {
  for_each_block<kThreads>(
      row,
      finish.dim - finish.rotary_dim,
      64,
      [&](int64_t first, int64_t count, uint32_t largest) {
        const float scale = fp8_block_scale(largest);
        for (int64_t i = threadIdx.x % kWarp; i < count; i += kWarp)
          row[first + i] =
              e4m3_value(e4m3_code(row[first + i] / scale)) * scale;
      });
  __syncthreads();
}

template <int kThreads>
__device__ void round_hadamard(
    const RowFinish& finish, float factor, float* row) {
  for (int64_t h = 1; h < finish.dim; h *= 2) {
    for (int64_t i = threadIdx.x; i < finish.dim / 2; i += kThreads) {
      const int64_t at = i / h * 2 * h + i % h;
      const float a = row[at];
      const float b = row[at + h];
      row[at] = a + b;
      row[at + h] = a - b;
    }
    __syncthreads();
  }
  for (int64_t i = threadIdx.x; i < finish.dim; i += kThreads)
    row[i] *= factor;
  __syncthreads();
  for_each_block<kThreads>(
      row,
      finish.dim,
      kFp4RowBlock,
      [&](int64_t first, int64_t count, uint32_t largest) {
        const float scale = fp4_block_scale(largest);
        for (int64_t i = threadIdx.x % kWarp; i < count; i += kWarp)
          row[first + i] =
              e2m1_value(e2m1_code(row[first + i] / scale)) * scale;
      });
  __syncthreads();
}

// The stored form of row [dim] in shared memory (row_codec.h).
template <int kThreads>
__device__ void encode_row_on_device(
    const RowPlan& plan, const float* row, std::byte* out) {
  auto* const bytes = reinterpret_cast<uint8_t*>(out);
  const RowLayout& layout = plan.layout;
  const auto bf16_byte = [&](int64_t channel, int64_t byte) {
    return static_cast<uint8_t>(bf16_bits(row[channel]) >> (8 * byte));
  };
  switch (layout.format) {
    case RowFormat::f32:
      for (int64_t i = threadIdx.x; i < layout.dim; i += kThreads)
        reinterpret_cast<float*>(out)[i] = row[i];
      return;
    case RowFormat::bf16:
      for (int64_t i = threadIdx.x; i < plan.row_bytes; i += kThreads)
        bytes[i] = i < 2 * layout.dim ? bf16_byte(i / 2, i % 2) : 0;
      return;
    case RowFormat::fp8: {
      const int64_t coded = layout.dim - layout.rotary;
      for_each_block<kThreads>(
          row,
          coded,
          kFp8RowBlock,
          [&](int64_t first, int64_t count, uint32_t largest) {
            const float scale = fp8_block_scale(largest);
            const int64_t lane = threadIdx.x % kWarp;
            if (lane == 0)
              bytes[coded + first / kFp8RowBlock] =
                  static_cast<uint8_t>(e8m0_code(scale));
            for (int64_t i = lane; i < count; i += kWarp)
              bytes[first + i] =
                  static_cast<uint8_t>(e4m3_code(row[first + i] / scale));
          });
      const int64_t rotary = coded + (coded + kFp8RowBlock - 1) / kFp8RowBlock;
      for (int64_t i = rotary + threadIdx.x; i < plan.row_bytes; i += kThreads)
        bytes[i] = i - rotary < 2 * layout.rotary
                       ? bf16_byte(coded + (i - rotary) / 2, (i - rotary) % 2)
                       : 0;
      return;
    }
    case RowFormat::fp4: {
      const int64_t scales = layout.dim / 2;
      const int64_t end =
          scales + (layout.dim + kFp4RowBlock - 1) / kFp4RowBlock;
      for_each_block<kThreads>(
          row,
          layout.dim,
          kFp4RowBlock,
          [&](int64_t first, int64_t count, uint32_t largest) {
            const float scale = fp4_block_scale(largest);
            const int64_t lane = threadIdx.x % kWarp;
            if (lane == 0)
              bytes[scales + first / kFp4RowBlock] =
                  static_cast<uint8_t>(e8m0_code(scale));
            for (int64_t i = 2 * lane; i < count; i += 2 * kWarp)
              bytes[(first + i) / 2] = static_cast<uint8_t>(
                  e2m1_code(row[first + i] / scale) |
                  e2m1_code(row[first + i + 1] / scale) << 4);
          });
      for (int64_t i = end + threadIdx.x; i < plan.row_bytes; i += kThreads)
        bytes[i] = 0;
      return;
    }
  }
}

// All steps on row [dim] in shared memory, which every thread sees; the result
// is there, too, seen by every thread, and stored in `out` unless that is null.
template <int kThreads>
__device__ void finish_row(
    const RowPlan& plan,
    int64_t position,
    float* row,
    float* scratch,
    std::byte* out) {
  const RowFinish& finish = plan.finish;
  if (finish.norm)
    norm_row<kThreads>(finish, row, scratch);
  if (finish.rotary_dim > 0)
    rotate_row<kThreads>(finish, position, row);
  if (finish.rounding == RowRounding::fp8)
    round_fp8<kThreads>(finish, row);
  else if (finish.rounding == RowRounding::hadamard_fp4)
    round_hadamard<kThreads>(finish, plan.hadamard, row);
  if (out != nullptr)
    encode_row_on_device<kThreads>(plan, row, out);
}

}  // namespace hadal::cuda
