// The kernel of both products of the experts for large matrices (capability
// 9.0): what the memory can give.
//
// As many blocks as the card holds at once share the units. In a block one warp
// asks for the pieces of its units in turn, whole rows at a time, into stages
// of shared memory; eight warps multiply, warp p the segments of partial sum p.
// The stages go on over the ends of units, so that the memory never rests.
#pragma once

#include "kernels/cuda/wait.cuh"
#include "kernels/experts/expert_barriers.cuh"
#include "kernels/experts/expert_pieces.cuh"
#include "kernels/experts/expert_results.cuh"

namespace hadal::cuda {

// The warp that asks. Lanes 0-15 copy rows of codes, 16-31 of scales.
template <class Routed, class Shared>
class ExpertStreamer {
 public:
  __device__ ExpertStreamer(
      const ExpertLaunch& launch, const ExpertUnits& units)
      : launch_(launch), units_(units) {
    open(0);
  }

  __device__ bool ended() const { return index_ >= units_.count(); }
  __device__ bool at_shared() const { return index_ < units_.shared_count(); }

  __device__ void next() {
    first_ += piece_segments();
    if (first_ >= segments_)
      open(index_ + 1);
  }

  __device__ void copy_weights(std::byte* to, uint64_t* barrier) const {
    if (unit_.shared)
      copy_rows<Shared>(launch_.shared, to, barrier);
    else
      copy_rows<Routed>(launch_.routed, to, barrier);
  }

  // Besides the inputs what is not copied in bulk; arrives on the barrier.
  __device__ void copy_inputs(std::byte* to, uint64_t* barrier) const {
    if (unit_.shared)
      copy_columns<Shared>(launch_.shared, to, barrier);
    else
      copy_columns<Routed>(launch_.routed, to, barrier);
  }

 private:
  __device__ const ExpertSide& side() const {
    return unit_.shared ? launch_.shared : launch_.routed;
  }
  __device__ int piece_segments() const {
    return unit_.shared ? Shared::kPieceSegments : Routed::kPieceSegments;
  }
  __device__ int count() const {
    return min(piece_segments(), segments_ - first_);
  }

  template <class Rows>
  __device__ void copy_rows(
      const ExpertSide& side, std::byte* to, uint64_t* barrier) const {
    const PieceLayout at = piece_layout<Rows>(side, launch_.columns);
    const int lane = threadIdx.x % kWarp;
    const int row = lane % 16;
    if (lane < 16) {
      const int bytes = segment_bytes<Rows>(side.one);
      copy_bulk(
          to + row * at.row, codes_ + first_ * bytes, count() * bytes, barrier);
      return;
    }
    const int bytes = segment_scale_bytes<Rows>(side.one);
    if constexpr (Rows::kGroupScales || Rows::kChunks == 0)
      copy_bulk(
          to + at.scales + row * at.scale_row,
          scales_ + first_ * bytes,
          count() * bytes,
          barrier);
    if constexpr (Rows::kChunks == 0)
      copy_bulk(
          to + at.biases + row * at.scale_row,
          biases_ + first_ * bytes,
          count() * bytes,
          barrier);
  }

  template <class Rows>
  __device__ void copy_columns(
      const ExpertSide& side, std::byte* to, uint64_t* barrier) const {
    const PieceLayout at = piece_layout<Rows>(side, launch_.columns);
    const ExpertNumbers& input = side.input;
    const int lane = threadIdx.x % kWarp;
    const int bytes = count() * 2 * static_cast<int>(kSegmentColumns);
    for (int i = lane; i < unit_.count * input.parts; i += kWarp) {
      const int column = i / input.parts;
      const int part = i % input.parts;
      copy_bulk(
          to + at.inputs + column * at.column + part * at.part,
          input.numbers +
              (int64_t{part} * input.rows + input_row(column)) * input.cols +
              first_ * kSegmentColumns,
          bytes,
          barrier);
    }
    int total = count() * 16 * segment_bytes<Rows>(side.one) +
                unit_.count * input.parts * bytes;
    if constexpr (Rows::kGroupScales || Rows::kChunks == 0)
      total += count() * 16 * segment_scale_bytes<Rows>(side.one);
    if constexpr (Rows::kChunks == 0) {
      total += count() * 16 * segment_scale_bytes<Rows>(side.one);
      total += unit_.count * count() * kExpertSumBytes;
      if (lane < unit_.count)
        copy_bulk(
            to + at.sums + lane * at.sum_column,
            input.sums + input_row(lane) * (input.cols / 8) +
                first_ * (kSegmentColumns / 8),
            count() * kExpertSumBytes,
            barrier);
    }
    if constexpr (Rows::kBlockScales) {
      // Scales of blocks may begin anywhere: a lane one of a half.
      const int half = lane / 16;
      const int segment = lane % 16;
      std::byte* const out = to + at.scales + half * at.scale_row;
      if (segment < count()) {
        if constexpr (Rows::kScaleBytes == 1)
          out[segment] = scales_[first_ + segment];
        else
          reinterpret_cast<float*>(out)[segment] =
              reinterpret_cast<const float*>(scales_)[first_ + segment];
      }
    }
    __syncwarp();
    if (lane == 0)
      arrive_for_bytes(barrier, total);
  }

  __device__ int64_t input_row(int column) const {
    const int pair = expert_pair(launch_, unit_, column);
    return launch_.stage == ExpertStage::gate_up && !unit_.shared
               ? pair / launch_.per_token
               : pair;
  }

  __device__ void open(int index) {
    index_ = index;
    first_ = 0;
    if (ended())
      return;
    unit_ = units_.at(index);
    const ExpertSide& from = side();
    segments_ = static_cast<int>(from.one.cols / kSegmentColumns);
    const int lane = threadIdx.x % kWarp;
    int row = lane % 16;
    // FP8 blocks: what the scales' lanes want is a half.
    const bool second =
        from.one.format == WeightFormat::fp8_block ? lane / 16 == 1 : row >= 8;
    const bool gate_up = launch_.stage == ExpertStage::gate_up;
    const WeightView* view =
        from.stack == nullptr ? &from.one : from.stack + unit_.expert;
    const WeightView* other = view;
    if (gate_up)
      other =
          from.stack == nullptr ? &from.one_second : from.second + unit_.expert;
    const WeightView& codes = row >= 8 ? *other : *view;
    const int64_t real =
        min(gate_up ? 8 * int64_t{unit_.tile} + row % 8
                    : 16 * int64_t{unit_.tile} + row,
            from.one.rows - 1);
    codes_ = codes.data + real * codes.row_bytes;
    const WeightView& scales = second ? *other : *view;
    const int64_t scale_row =
        from.one.format == WeightFormat::fp8_block ? real / 128 : real;
    scales_ = scales.scales + scale_row * scales.scale_stride;
    biases_ = scales.biases + scale_row * scales.scale_stride;
  }

  const ExpertLaunch& launch_;
  ExpertUnits units_;
  ExpertUnit unit_ = {};
  int index_ = 0;
  int first_ = 0;  // segment of the piece
  int segments_ = 0;
  const std::byte* codes_ = nullptr;
  const std::byte* scales_ = nullptr;
  const std::byte* biases_ = nullptr;
};

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
__global__ void __launch_bounds__(kStreamThreads, 2)
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
