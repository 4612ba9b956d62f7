// Kernels that multiply rows with up to 32 tokens. A block of eight warps takes
// some tiles of 8 or 16 rows, one after the other: warp p makes partial sum p
// (matrix_product.h). Each warp streams its segments, tile after tile, through
// a ring of its own in shared memory, by asynchronous copies, without waiting
// for the others; the first are asked for before the kernel waits for its
// predecessor. There is about one wave of blocks, so what a block has to do
// before it multiplies (its inputs, its scales) is done once.
#pragma once

#include "kernels/cuda/sums.cuh"
#include "kernels/cuda/wait.cuh"
#include "kernels/cuda/weights.cuh"
#include "kernels/linear/matrix_codes.cuh"
#include "kernels/linear/matrix_input.cuh"
#include "kernels/linear/matrix_rows.h"

namespace hadal::cuda {

// 16 bytes to shared memory, zeros where `exists` is false or from `bytes` on.
__device__ inline void copy_16(
    std::byte* to, const std::byte* from, int bytes = 16) {
  asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(
                   static_cast<uint32_t>(__cvta_generic_to_shared(to))),
               "l"(from),
               "r"(bytes)
               : "memory");
}
__device__ inline void commit_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
// Returns when all but the kPending latest groups have come.
template <int kPending>
__device__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(kPending) : "memory");
}

constexpr int stages_of(int64_t stage_bytes) {
  const int64_t fit = kRingBytes / stage_bytes;
  return static_cast<int>(fit < 8 ? fit : 8);
}

// Bytes [from, from + bytes) to `to` plus from mod 16, by all threads.
__device__ inline void copy_span(
    std::byte* to, const std::byte* from, int64_t bytes) {
  const auto misplaced =
      static_cast<int64_t>(reinterpret_cast<uintptr_t>(from) % 16);
  const std::byte* const start = from - misplaced;
  const int64_t end = bytes + misplaced;
  for (int64_t i = 16 * threadIdx.x; i < end; i += 16 * kRowsWarps * kWarp)
    copy_16(to + i, start + i, static_cast<int>(min(end - i, int64_t{16})));
}

// What the warps of a block share. Shared memory: see rows_shared_bytes.
struct RowsBlock {
  const RowsJob& job;
  int first_row;
  int tiles;
  int tokens;  // of the launch
  int first_token;
  std::byte* ring;  // this warp's
  float* partials;  // [tiles, warps, columns, rows]
  // Scales and biases of the first scale row.
  const std::byte* scales = nullptr;
  const std::byte* biases = nullptr;
  // [parts, tokens, padded] and [tokens, padded / 32].
  const uint16_t* inputs;
  const float* sums;
  int64_t part_stride;

  // Asks for the scales. `columns`: 1 for a token that is alone.
  __device__ RowsBlock(
      const RowsJob& the_job,
      const RowsLaunch& launch,
      int rows,
      int columns,
      std::byte* memory)
      : job(the_job),
        tokens(launch.tokens),
        first_token(static_cast<int>(blockIdx.y) * columns),
        ring(memory + threadIdx.x / kWarp * kRingBytes),
        partials(reinterpret_cast<float*>(memory + kRowsWarps * kRingBytes)),
        inputs(the_job.inputs),
        sums(the_job.input_sums),
        part_stride(launch.tokens * the_job.padded) {
    const int block = static_cast<int>(blockIdx.x) - job.first_block;
    const int all = (static_cast<int>(job.weight.rows) + rows - 1) / rows;
    const int first = block * all / job.blocks;
    tiles = (block + 1) * all / job.blocks - first;
    first_row = first * rows;
    std::byte* next = reinterpret_cast<std::byte*>(
        partials + tiles * kRowsWarps * columns * rows);
    const ScaleSpan span = scale_span(job, first_row, tiles * rows);
    if (span.bytes != 0) {
      const std::byte* const from = job.weight.scales + span.begin;
      copy_span(next, from, span.bytes);
      scales = next + reinterpret_cast<uintptr_t>(from) % 16;
      next += span.room();
      if (job.weight.biases != nullptr) {
        const std::byte* const bias = job.weight.biases + span.begin;
        copy_span(next, bias, span.bytes);
        biases = next + reinterpret_cast<uintptr_t>(bias) % 16;
        next += span.room();
      }
    }
    commit_copies();
    if (columns == 1) {
      sums = reinterpret_cast<const float*>(next);
      inputs = reinterpret_cast<const uint16_t*>(next + job.padded / 8);
      part_stride = job.padded;
    }
  }

  // When the first weights have been asked for: waits for the kernels before,
  // prepares the inputs and waits for the scales.
  template <int kStages, bool kAlone>
  __device__ void begin() const {
    wait_for_predecessor();
    let_successor_start();
    if constexpr (kAlone)
      prepare_token(
          job.x,
          job.weight.cols,
          job.padded,
          input_order(job.weight.format),
          job.rounded,
          const_cast<uint16_t*>(inputs),
          part_stride,
          job.weight.format == WeightFormat::affine ? const_cast<float*>(sums)
                                                    : nullptr,
          threadIdx.x,
          kRowsWarps * kWarp);
    wait_for_copies<kStages>();
    __syncthreads();
  }
};

// Numbers of a token's part: eight of each token of the block, as pairs.
template <int kTiles, bool kAlone>
struct RowsInputs {
  const uint16_t* base;
  int token[kTiles];  // its offset

  __device__ RowsInputs(const RowsJob& job, const RowsBlock& block, int g) {
    base = block.inputs;
    for (int n = 0; n < kTiles; ++n)
      token[n] = kAlone ? 0
                        : min(block.first_token + 8 * n + g, block.tokens - 1) *
                              static_cast<int>(job.padded);
  }
  __device__ uint4
  eight(const RowsBlock& block, int n, int part, int at) const {
    const uint16_t* const from =
        base + part * block.part_stride + token[n] + at;
    if constexpr (kAlone)
      return *reinterpret_cast<const uint4*>(from);
    else
      return __ldg(reinterpret_cast<const uint4*>(from));
  }
};

// The sums of the instructions of a warp: [tiles of 8 tokens][4].
template <int kTiles>
using RowsSums = float[kTiles][4];

// A warp's partial sums of a tile, for finish_rows().
template <int kHalves, int kTiles, bool kAlone>
__device__ void keep_partials(
    const RowsBlock& block, int tile, const RowsSums<kTiles>& sums) {
  constexpr int kRows = 8 * kHalves;
  constexpr int kColumns = kAlone ? 1 : 8 * kTiles;
  const int lane = threadIdx.x % kWarp;
  float* const to = block.partials + (tile * kRowsWarps + threadIdx.x / kWarp) *
                                         kColumns * kRows;
#pragma unroll
  for (int n = 0; n < kTiles; ++n)
#pragma unroll
    for (int j = 0; j < 2 * kHalves; ++j) {
      const int row = lane / 4 + j / 2 * 8;
      const int column = 8 * n + lane % 4 * 2 + j % 2;
      if (column < kColumns)
        to[column * kRows + row] = sums[n][j];
    }
}

// Adds up the partial sums of all tiles and writes the outputs.
template <int kHalves, int kTiles, bool kAlone>
__device__ void finish_rows(const RowsBlock& block) {
  constexpr int kRows = 8 * kHalves;
  constexpr int kColumns = kAlone ? 1 : 8 * kTiles;
  constexpr int kOutputs = kRows * kColumns;
  __syncthreads();
  for (int i = threadIdx.x; i < block.tiles * kOutputs;
       i += kRowsWarps * kWarp) {
    const int tile = i / kOutputs;
    const int in_tile = i % kOutputs;
    float sum = 0;
#pragma unroll
    for (int w = 0; w < kRowsWarps; ++w)
      sum += block.partials[(tile * kRowsWarps + w) * kOutputs + in_tile];
    const int row = block.first_row + tile * kRows + in_tile % kRows;
    const int token = block.first_token + in_tile / kRows;
    if (row < block.job.weight.rows && token < block.tokens)
      block.job.y[token * block.job.y_stride + row] = sum;
  }
}

}  // namespace hadal::cuda
