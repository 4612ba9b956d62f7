#include "kernels/linear/wide_input.h"

#include "kernels/cuda/device.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/wait.cuh"
#include "kernels/linear/matrix_input.cuh"

namespace hadal::cuda {
namespace {

constexpr int kTokens = 8;  // of a block, one a warp
constexpr int kThreads = kTokens * kWarp;
constexpr int kSegment = static_cast<int>(kSegmentColumns);

// The column that instruction i of a segment has in its position `position`
// (matrix_product.h, 2).
__device__ int column_of(WideOrder order, int i, int position) {
  const int q = position / 2 % 4;
  const int second = position / 8;  // of the lane's two pairs
  const int upper = position % 2;   // of the pair
  switch (order) {
    case WideOrder::bf16:
      return 32 * (i / 2) + 8 * q + 4 * (i % 2) + 2 * second + upper;
    case WideOrder::e4m3:
      return 64 * (i / 4) + 16 * q + 4 * (i % 4) + second + 2 * upper;
    case WideOrder::e2m1:
      return 32 * q + 8 * (i / 2) + 2 * (i % 2) + second + 4 * upper;
    case WideOrder::affine:
      break;
  }
  return 32 * (i / 2) + 8 * q + 2 * (i % 2) + second + 4 * upper;
}

// One segment of a prepared token `to`, which is row `from` of x (-1: zeros),
// by a warp. `exchange`: shared, of the warp.
__device__ void prepare_segment(
    const WideInput& input,
    int segment,
    int64_t from,
    int64_t to,
    uint16_t (&exchange)[kSegment]) {
  const int lane = threadIdx.x % kWarp;
  const int64_t k = int64_t{segment} * kSegment + 4 * lane;
  const float* const x = input.x + max(from, int64_t{0}) * input.x_stride;
  float value[4] = {};
  if (from >= 0) {
    if (k + 4 <= input.cols && reinterpret_cast<uintptr_t>(x) % 16 == 0) {
      const float4 four = *reinterpret_cast<const float4*>(x + k);
      value[0] = four.x, value[1] = four.y;
      value[2] = four.z, value[3] = four.w;
    } else {
      for (int i = 0; i < 4; ++i)
        value[i] = k + i < input.cols ? x[k + i] : 0;
    }
  }
#pragma unroll
  for (int i = 0; i < 4; i += 2) {
    const uint32_t pair = bf16_pair(
        limited_activation(value[i]), limited_activation(value[i + 1]));
    exchange[4 * lane + i] = static_cast<uint16_t>(pair);
    exchange[4 * lane + i + 1] = static_cast<uint16_t>(pair >> 16);
    value[i] = bf16_value(pair & 0xFFFF);
    value[i + 1] = bf16_value(pair >> 16);
  }
  if (input.sums != nullptr) {
    // A balanced tree over the columns of a group.
    float sum = (value[0] + value[1]) + (value[2] + value[3]);
    for (int step = 1; 4 * step < input.group; step *= 2)
      sum += __shfl_xor_sync(kAllLanes, sum, step);
    const int lanes = input.group / 4;
    if (lane % lanes == 0)
      input.sums
          [(int64_t{segment} * (kWarp / lanes) + lane / lanes) *
               input.sums_stride +
           to] = sum;
  }
  __syncwarp();
  // Half a piece of 16 bytes a lane: four positions of an instruction.
  const int piece = lane / 2;
  uint32_t number[4];
  for (int i = 0; i < 4; ++i)
    number[i] = exchange[column_of(
        input.order, piece / 2, piece % 2 * 8 + lane % 2 * 4 + i)];
  const int in_slab = piece % 8 ^ static_cast<int>(to % 8);
  std::byte* const out = input.slabs +
                         (2 * int64_t{segment} + piece / 8) * input.slab_bytes +
                         to * kSlabRowBytes + in_slab * 16 + lane % 2 * 8;
  *reinterpret_cast<uint2*>(out) = {
      number[0] | number[1] << 16, number[2] | number[3] << 16};
}

__global__ void wide_input_kernel(const __grid_constant__ WideInput input) {
  __shared__ uint16_t exchange[kTokens][kSegment];
  wait_for_predecessor();
  const int warp = threadIdx.x / kWarp;
  const int64_t token = int64_t{blockIdx.x} * kTokens + warp;
  prepare_segment(
      input,
      static_cast<int>(blockIdx.y),
      token < input.tokens ? token : -1,
      token,
      exchange[warp]);
}

// Blocks x: eight tokens of a tile.
__global__ void wide_tiles_input_kernel(
    const __grid_constant__ WideInput input, int tile_tokens) {
  __shared__ uint16_t exchange[kTokens][kSegment];
  wait_for_predecessor();
  const int per_tile = tile_tokens / kTokens;
  const int index = static_cast<int>(blockIdx.x) / per_tile;
  if (index >= *input.tile_count)
    return;
  const WideTile& tile = input.tiles[index];
  const int first = static_cast<int>(blockIdx.x) % per_tile * kTokens;
  if (first >= tile.count)
    return;
  const int warp = threadIdx.x / kWarp;
  const int token = first + warp;
  int64_t from = -1;
  if (token < tile.count) {
    from = tile.output + token;
    if (input.rows != nullptr)
      from = input.rows[from];
  }
  prepare_segment(
      input,
      static_cast<int>(blockIdx.y),
      from,
      tile.input + token,
      exchange[warp]);
}

constexpr int kPlanThreads = 512;

// The sum of `value` of the threads before this one; `all` becomes that of all.
__device__ int sum_before(int value, int (&scratch)[kPlanThreads], int& all) {
  const int thread = static_cast<int>(threadIdx.x);
  __syncthreads();
  scratch[thread] = value;
  for (int step = 1; step < kPlanThreads; step *= 2) {
    __syncthreads();
    const int more = thread >= step ? scratch[thread - step] : 0;
    __syncthreads();
    scratch[thread] += more;
  }
  __syncthreads();
  all = scratch[kPlanThreads - 1];
  return scratch[thread] - value;
}

// One block; a thread a group.
__global__ void plan_kernel(
    const int32_t* first,
    int64_t groups,
    int tile_tokens,
    WideTile* tiles,
    int32_t* tile_count) {
  __shared__ int scratch[kPlanThreads];
  wait_for_predecessor();
  int tiles_before = 0;
  int tokens_before = 0;
  for (int64_t base = 0; base < groups; base += kPlanThreads) {
    const int64_t g = base + threadIdx.x;
    const int begin = g < groups ? first[g] : 0;
    const int count = g < groups ? first[g + 1] - begin : 0;
    const int mine = (count + tile_tokens - 1) / tile_tokens;
    const int padded = (count + 7) / 8 * 8;
    int all_tiles = 0;
    int all_tokens = 0;
    const int tile = tiles_before + sum_before(mine, scratch, all_tiles);
    const int input = tokens_before + sum_before(padded, scratch, all_tokens);
    for (int i = 0; i < mine; ++i)
      tiles[tile + i] = {
          .group = static_cast<int32_t>(g),
          .input = input + i * tile_tokens,
          .output = begin + i * tile_tokens,
          .count = min(tile_tokens, count - i * tile_tokens),
          .first_tile = tile,
          .tiles = mine};
    tiles_before += all_tiles;
    tokens_before += all_tokens;
  }
  if (threadIdx.x == 0)
    *tile_count = tiles_before;
}

unsigned segments_of(const WideInput& input) {
  return blocks(input.cols, kSegmentColumns);
}

}  // namespace

void prepare_wide_input(const WideInput& input) {
  launch(
      wide_input_kernel,
      {.grid = dim3(blocks(input.tokens, kTokens), segments_of(input)),
       .block = dim3(kThreads),
       .start = Start::early},
      input);
}

void plan_wide_tiles(
    const int32_t* first,
    int64_t groups,
    int tile_tokens,
    WideTile* tiles,
    int32_t* tile_count) {
  launch(
      plan_kernel,
      {.grid = dim3(1), .block = dim3(kPlanThreads), .start = Start::early},
      first,
      groups,
      tile_tokens,
      tiles,
      tile_count);
}

void prepare_wide_tiles(
    const WideInput& input, int64_t most_tiles, int tile_tokens) {
  launch(
      wide_tiles_input_kernel,
      {.grid = dim3(
           static_cast<unsigned>(most_tiles * (tile_tokens / kTokens)),
           segments_of(input)),
       .block = dim3(kThreads),
       .start = Start::early},
      input,
      tile_tokens);
}

}  // namespace hadal::cuda
