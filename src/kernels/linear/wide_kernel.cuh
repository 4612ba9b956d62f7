// The kernel of wide products: tiles of 128 rows and kTokens tokens.
//
// A block is two warpgroups that multiply, each 64 rows with all tokens of the
// tile, and one warp that loads tokens: stages of one segment, half of each by
// this block and half by its neighbour in the cluster, which takes the next 128
// rows; the copy engine brings a half to both. Codes are unpacked in registers
// (wide_codes.cuh) while the instructions before them run. A partial sum's
// segments follow each other, then the next partial's: so one set of sums is at
// work and one keeps the total (three where sums of codes are scaled).
#pragma once

#include "kernels/cuda/wait.cuh"
#include "kernels/linear/wide_sums.cuh"

namespace hadal::cuda {

// Compilers refuse clusters for capabilities that have none.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
#define HADAL_WIDE_CLUSTER
#else
#define HADAL_WIDE_CLUSTER __cluster_dims__(kWideCluster, 1, 1)
#endif

template <WideKind kKind, int kTokens>
__global__ void HADAL_WIDE_CLUSTER
__launch_bounds__(kWideThreads, kTokens == 32 ? 2 : 1)
    wide_kernel(const __grid_constant__ WideLaunch launch) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
  using Memory = WideMemory<kKind, kTokens>;
  constexpr int kStages = Memory::kStages;
  extern __shared__ std::byte memory[];
  std::byte* const inputs =
      memory + (1024 - shared_address(memory) % 1024) % 1024;
  std::byte* const sums = inputs + kStages * Memory::kStageBytes;
  std::byte* const ring = sums + kStages * Memory::kSumBytes;
  auto* const full = reinterpret_cast<uint64_t*>(ring + Memory::kRing);
  uint64_t* const empty = full + kStages;
  if (threadIdx.x == 0) {
    for (int i = 0; i < kStages; ++i) {
      barrier_init(&full[i], 1);
      barrier_init(&empty[i], kWideCluster * 4 * kWideWarpgroups);
    }
    barriers_are_ready();
  }
  cluster_barrier();
  wait_for_predecessor();
  const WideUnits units(launch, kTokens);
  if (threadIdx.x < 128 * kWideWarpgroups) {
    more_registers<kTokens == 32 ? 104 : 240>();
    WideSums<kKind, kTokens>(launch, units, inputs, sums, ring, full, empty);
  } else {
    fewer_registers<kTokens == 32 ? 32 : 24>();
    if (threadIdx.x == 128 * kWideWarpgroups)
      load_tokens<kKind, kTokens>(launch, units, inputs, sums, full, empty);
  }
  __syncwarp();
  // The neighbour may still arrive at barriers here.
  cluster_barrier();
#endif
}

template <int kTokens, WideKind kKind>
WideForm wide_form() {
  return {wide_kernel<kKind, kTokens>, WideMemory<kKind, kTokens>::kBytes};
}

}  // namespace hadal::cuda
