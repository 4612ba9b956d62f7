// The kernel of both products of the experts for large matrices (capability
// 9.0): what the memory can give.
//
// As many blocks as the card holds at once share the units. In a block one warp
// asks for the pieces of its units in turn, whole rows at a time, into stages
// of shared memory; eight warps multiply, warp p the segments of partial sum p.
// The stages go on over the ends of units, so that the memory never rests.
#pragma once

#include "kernels/cuda/wait.cuh"
#include "kernels/experts/expert_streamer.cuh"

namespace hadal::cuda {

// A warp's segments of a piece.
template <class Rows>
__device__ void multiply_piece(
    const ExpertSide& side,
    const std::byte* piece,
    int first,
    int segments,
    int columns,
    int count,
    int partial,
    GroupSums& sums) {
  const PieceLayout at = piece_layout<Rows>(side, columns);
#pragma unroll
  for (int i = 0; i < Rows::kPieceSegments; i += kPartials) {
    const int segment = i + partial;
    if (first + segment >= segments)
      break;
    Rows::multiply(
        side.one,
        piece_source<Rows>(at, side.one, piece, segment),
        first + segment,
        piece_inputs<Rows>(at, side, piece, segment, count),
        threadIdx.x % 4,
        sums);
  }
}

template <class Routed, class Shared>
__global__ void __launch_bounds__(kStreamThreads, kStreamBlocks)
    expert_stream_kernel(const __grid_constant__ ExpertLaunch launch) {
#if __CUDA_ARCH__ >= 900
  extern __shared__ __align__(128) std::byte memory[];
  __shared__ float values[kMostGroupColumns][8];
  __shared__ uint64_t full[kMostStages];
  __shared__ uint64_t empty[kMostStages];
  const int warp = threadIdx.x / kWarp;
  const int stages = launch.stages;
  const int stage_bytes = launch.stage_bytes;
  auto* const joined = reinterpret_cast<float*>(memory + stages * stage_bytes);
  const int joined_floats = kPartials * 16 * launch.columns;
  auto* const entries =
      reinterpret_cast<ExpertEntry*>(joined + 2 * joined_floats);
  const bool asks = warp == kPartials;
  if (threadIdx.x == 0) {
    for (int i = 0; i < stages; ++i) {
      make_barrier(&full[i], 1);
      make_barrier(&empty[i], kPartials);
    }
    publish_barriers();
  }
  __syncthreads();

  ExpertUnits units(launch);
  // Weights of the shared expert are asked for while the kernel before this one
  // still runs; of the second product all, for what was chosen is known since
  // before the first.
  int early = 0;
  const auto ask_early = [&](bool shared_only) {
    if (!asks)
      return;
    ExpertStreamer<Routed, Shared> streamer(launch, units);
    for (; early < stages && !streamer.ended() &&
           (!shared_only || streamer.at_shared());
         streamer.next()) {
      streamer.copy_weights(memory + early * stage_bytes, &full[early]);
      ++early;
    }
  };
  if (launch.stage == ExpertStage::gate_up) {
    ask_early(true);
    wait_for_predecessor();
    units.find_routed(entries, find_entries(launch, entries, kStreamThreads));
  } else {
    units.find_routed(entries, find_entries(launch, entries, kStreamThreads));
    ask_early(false);
    wait_for_predecessor();
  }
  let_successor_start();

  if (asks) {
    ExpertStreamer<Routed, Shared> streamer(launch, units);
    for (int step = 0; !streamer.ended(); ++step, streamer.next()) {
      const int stage = step % stages;
      std::byte* const to = memory + stage * stage_bytes;
      if (step >= stages)
        wait_for_barrier(&empty[stage], (step / stages - 1) % 2);
      if (step >= early)
        streamer.copy_weights(to, &full[stage]);
      streamer.copy_inputs(to, &full[stage]);
    }
    return;
  }

  int stage = 0;
  int parity = 0;
  float y = 0;
  for (int index = 0; index < units.count(); ++index) {
    const ExpertUnit unit = units.at(index);
    const ExpertSide& side = unit.shared ? launch.shared : launch.routed;
    const int segments = static_cast<int>(side.one.cols / kSegmentColumns);
    const int step =
        unit.shared ? Shared::kPieceSegments : Routed::kPieceSegments;
    GroupSums sums;
    for (int first = 0; first < segments; first += step) {
      const std::byte* const piece = memory + stage * stage_bytes;
      wait_for_barrier(&full[stage], parity);
      if (unit.shared)
        multiply_piece<Shared>(
            launch.shared,
            piece,
            first,
            segments,
            launch.columns,
            unit.count,
            warp,
            sums);
      else
        multiply_piece<Routed>(
            launch.routed,
            piece,
            first,
            segments,
            launch.columns,
            unit.count,
            warp,
            sums);
      __syncwarp();
      if (threadIdx.x % kWarp == 0)
        arrive(&empty[stage]);
      if (++stage == stages) {
        stage = 0;
        parity ^= 1;
      }
    }
    const bool exact = side.input.parts != 1;
    if (unit.shared)
      Shared::finish(exact, sums);
    else
      Routed::finish(exact, sums);
    float* const all = joined + index % 2 * joined_floats;
    put_partials(sums, warp, launch.columns, all);
    asm volatile("bar.sync 1, %0;" ::"n"(kExpertThreads) : "memory");
    finish_unit(launch, unit, index, units.matrices(), all, values, y);
  }
#endif
}

}  // namespace hadal::cuda
