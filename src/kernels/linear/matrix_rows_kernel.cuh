// The row kernels themselves (matrix_rows.cuh).
#pragma once

#include "kernels/linear/matrix_rows_affine.cuh"
#include "kernels/linear/matrix_rows_lanes.cuh"

namespace hadal::cuda {

template <int kParts, int kHalves, int kTiles, bool kAlone>
__device__ __forceinline__ void all_partials(
    const RowsJob& job, const RowsBlock& block) {
  switch (job.kind) {
    case RowsKind::bf16:
      return lane_rows<Bf16Codes, false, kParts, kHalves, kTiles, kAlone>(
          job, block);
    case RowsKind::e4m3:
      return lane_rows<E4m3Codes, false, kParts, kHalves, kTiles, kAlone>(
          job, block);
    case RowsKind::e4m3_apart:
      return lane_rows<E4m3Codes, true, kParts, kHalves, kTiles, kAlone>(
          job, block);
    case RowsKind::e2m1:
      return lane_rows<E2m1Codes, false, kParts, kHalves, kTiles, kAlone>(
          job, block);
    case RowsKind::affine2:
      return affine_rows<2, kParts, kHalves, kTiles, kAlone>(job, block);
    case RowsKind::affine4:
      return affine_rows<4, kParts, kHalves, kTiles, kAlone>(job, block);
    case RowsKind::affine8:
      return affine_rows<8, kParts, kHalves, kTiles, kAlone>(job, block);
    case RowsKind::affine_odd:
      return affine_rows<0, kParts, kHalves, kTiles, kAlone>(job, block);
  }
}

template <int kHalves, int kTiles, bool kAlone>
__global__ void __launch_bounds__(kRowsWarps* kWarp, kTiles == 1 ? 3 : 2)
    matrix_rows_kernel(const __grid_constant__ RowsLaunch launch) {
  extern __shared__ __align__(16) std::byte memory[];
  int index = launch.count - 1;
  while (launch.jobs[index].first_block > static_cast<int>(blockIdx.x))
    --index;
  const RowsJob& job = launch.jobs[index];
  const RowsBlock block(
      job, launch, 8 * kHalves, kAlone ? 1 : 8 * kTiles, memory);
  if (job.rounded)
    all_partials<1, kHalves, kTiles, kAlone>(job, block);
  else
    all_partials<3, kHalves, kTiles, kAlone>(job, block);
  finish_rows<kHalves, kTiles, kAlone>(block);
}

}  // namespace hadal::cuda
