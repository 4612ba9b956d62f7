// What the kernels of the experts' products share beside the products: which
// pairs are multiplied, and what becomes of a unit's sums.
#pragma once

#include "kernels/cuda/sums.cuh"
#include "kernels/experts/expert_rows.cuh"
#include "kernels/experts/expert_units.cuh"
#include "kernels/linear/matrix_input.cuh"

namespace hadal::cuda {

// The inputs of a unit's column: a pair, or a token of the shared expert.
__device__ inline int expert_pair(
    const ExpertLaunch& launch, const ExpertUnit& unit, int column) {
  const int at = unit.first + column;
  return unit.shared || launch.tokens == 1 ? at : launch.groups.order[at];
}

// The entries of the groups in shared memory, of one token in order of expert
// id; returns their number. By all threads of a block.
__device__ inline int find_entries(
    const ExpertLaunch& launch, ExpertEntry* entries, int threads) {
  if (!launch.routed.exists)
    return 0;
  const int count =
      launch.tokens == 1 ? launch.per_token : *launch.groups.count;
  for (int i = threadIdx.x; i < count; i += threads) {
    if (launch.tokens != 1) {
      entries[i] = launch.groups.entries[i];
      continue;
    }
    const int id = launch.indices[i];
    int rank = 0;
    for (int j = 0; j < count; ++j)
      rank += launch.indices[j] < id || (launch.indices[j] == id && j < i);
    entries[rank] = {id, i, 1, rank};
  }
  __syncthreads();
  return count;
}

// The sum of the eight partials of a row and a column.
__device__ inline float join(
    const float* joined, int row, int column, int columns) {
  float sum = 0;
  for (int w = 0; w < kPartials; ++w)
    sum += joined[(w * 16 + row) * columns + column];
  return sum;
}

// Eight rows of the activated inner values of up to eight columns.
__device__ inline void finish_gate_up(
    const ExpertLaunch& launch,
    const ExpertUnit& unit,
    const float* joined,
    float (*values)[8]) {
  const int row = threadIdx.x % 8;
  const int column = threadIdx.x / 8;
  if (column >= unit.count)
    return;
  float g = join(joined, row, column, launch.columns);
  float u = join(joined, row + 8, column, launch.columns);
  const float limit = launch.limit;
  if (limit > 0) {
    g = g > limit ? limit : g;
    u = u > limit ? limit : u < -limit ? -limit : u;
  }
  const int pair = expert_pair(launch, unit, column);
  const float weight = unit.shared ? 1 : launch.weights[pair];
  const float value = g / (1 + expf(-g)) * u * weight;
  const ExpertNumbers& out =
      unit.shared ? launch.shared_output : launch.routed_output;
  float* const plain = unit.shared ? launch.shared_plain : launch.routed_plain;
  const int64_t k = 8 * int64_t{unit.tile};
  if (plain != nullptr) {
    plain[pair * out.cols + k + row] = value;
    return;
  }
  values[column][row] = value;
  // The lanes of this warp that have a column.
  const int columns =
      min(unit.count - static_cast<int>(threadIdx.x) / kWarp * 4, 4);
  __syncwarp(columns == 4 ? kAllLanes : (1U << (8 * columns)) - 1);
  if (row != 0)
    return;
  const float sum = prepare_eight(
      values[column],
      0,
      8,
      out.order,
      out.parts == 1,
      out.numbers + pair * out.cols + k,
      out.rows * out.cols);
  if (out.sums != nullptr)
    out.sums[(pair * out.cols + k) / 8] = sum;
}

// Shared memory of the partial sums of two units: [2][8][16 rows][columns].
constexpr int expert_joined_bytes(int columns) {
  return 2 * kPartials * 16 * columns * 4;
}

// A warp's sums of a unit into it.
__device__ inline void put_partials(
    const GroupSums& sums, int partial, int columns, float* joined) {
  const int lane = threadIdx.x % kWarp;
  const int g = lane / 4;
  const int q = lane % 4;
#pragma unroll
  for (int j = 0; j < 4; ++j)
    if (2 * q + j % 2 < columns)
      joined[(partial * 16 + g + j / 2 * 8) * columns + 2 * q + j % 2] =
          sums.total[j];
}

// What a unit's joined sums become. `index`: of the unit in its block; `y` is
// this thread's own between units of down_one.
__device__ inline void finish_unit(
    const ExpertLaunch& launch,
    const ExpertUnit& unit,
    int index,
    int matrices,
    const float* joined,
    float (*values)[8],
    float& y) {
  if (launch.stage == ExpertStage::gate_up) {
    finish_gate_up(launch, unit, joined, values);
    return;
  }
  const ExpertSide& side = unit.shared ? launch.shared : launch.routed;
  const int row = threadIdx.x % 16;
  const int column = threadIdx.x / 16;
  const int64_t at = 16 * int64_t{unit.tile} + row;
  if (column >= unit.count || at >= side.one.rows)
    return;
  const float sum = join(joined, row, column, launch.columns);
  if (launch.stage == ExpertStage::down) {
    const int pair = expert_pair(launch, unit, column) +
                     (unit.shared ? launch.tokens * launch.per_token : 0);
    launch.scratch[pair * side.one.rows + at] = sum;
    return;
  }
  const int matrix = index % matrices;
  if (matrix == 0)
    y = launch.adds ? launch.y[at] : 0;
  y += sum;
  if (matrix == matrices - 1)
    launch.y[at] = y;
}

}  // namespace hadal::cuda
