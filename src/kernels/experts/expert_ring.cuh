// The kernel of both products of the experts for any shape.
//
// As many blocks as the card holds at once share the units. In a block warp p
// takes partial sum p of every unit: its segments of the weights and of the
// inputs come through a ring of kDepth places in shared memory, which goes on
// over the ends of units, so that the memory never rests.
#pragma once

#include <algorithm>

#include "kernels/cuda/wait.cuh"
#include "kernels/experts/expert_results.cuh"
#include "kernels/experts/expert_ring_rows.cuh"

namespace hadal::cuda {

inline constexpr int kExpertPartBytes = 2 * static_cast<int>(kSegmentColumns);
// Places of a ring: what two blocks of a multiprocessor can hold.
inline constexpr int kExpertDepth = 3;

// What a warp asks for, some segments ahead of what it multiplies.
template <class Routed, class Shared>
class ExpertReader {
 public:
  __device__ ExpertReader(const ExpertLaunch& launch, const ExpertUnits& units)
      : launch_(launch), units_(units) {}

  __device__ void start() { open(0); }
  __device__ bool ended() const { return index_ >= units_.count(); }
  __device__ bool at_shared() const { return index_ < units_.shared_count(); }
  __device__ int index() const { return index_; }

  __device__ void copy_weights(std::byte* to) const {
    const int lane = threadIdx.x % kWarp;
    if (unit_.shared)
      RingRows<Shared>::copy(launch_.shared.one, rows_, segment_, lane, to);
    else
      RingRows<Routed>::copy(launch_.routed.one, rows_, segment_, lane, to);
  }

  __device__ void copy_inputs(std::byte* to) const {
    const ExpertNumbers& input = side().input;
    const int lane = threadIdx.x % kWarp;
    const int half = lane / 16;
    const int64_t k = segment_ * kSegmentColumns + input_column_;
    const bool inside = k < input.cols;
    const int total = unit_.count * input.parts;
    if (half < total)
      copy_row_part(
          to + input_to_, inside ? first_input_ + k : first_input_, inside);
    for (int i = 2; i < total; i += 2) {
      const Input next = input_of(i + half);
      if (i + half < total)
        copy_row_part(to + next.to, inside ? next.from + k : next.from, inside);
    }
    if (input.sums == nullptr)
      return;
    std::byte* const sums =
        to + launch_.columns * expert_numbers_bytes(input.parts);
    const int column = lane / 4;
    const int row = __shfl_sync(kAllLanes, input_row_, column);
    // Of 32 columns each; they exist together or not at all.
    const int64_t eight = segment_ * (kSegmentColumns / 8) + lane % 4 * 4;
    const bool some = 8 * eight < input.cols;
    if (column < unit_.count)
      copy_row_part(
          sums + column * kExpertSumBytes + lane % 4 * 16,
          input.sums + row * (input.cols / 8) + (some ? eight : 0),
          some);
  }

  __device__ void next() {
    segment_ += kPartials;
    if (segment_ >= segments_)
      open(index_ + 1);
  }

 private:
  __device__ const ExpertSide& side() const {
    return unit_.shared ? launch_.shared : launch_.routed;
  }

  // Number `index` of a unit's columns, each with its parts.
  struct Input {
    const uint16_t* from;  // of the row
    int to;
  };
  __device__ Input input_of(int index) const {
    const ExpertNumbers& input = side().input;
    const int column = input.parts == 1 ? index : index / 3;
    const int part = input.parts == 1 ? 0 : index % 3;
    const int row = __shfl_sync(kAllLanes, input_row_, column);
    return {
        input.numbers + (part * input.rows + row) * input.cols,
        column * expert_numbers_bytes(input.parts) + part * kExpertPartBytes +
            static_cast<int>(threadIdx.x) % 16 * 16};
  }

  __device__ static RowSource source(const WeightView& view, int64_t row) {
    // Rows beyond the last are read as the last, and not written.
    const int64_t real = min(row, view.rows - 1);
    const int64_t scale_row =
        view.format == WeightFormat::fp8_block ? real / 128 : real;
    return {
        view.data + real * view.row_bytes,
        view.scales + scale_row * view.scale_stride,
        view.biases + scale_row * view.scale_stride};
  }

  // The first unit from `index` on in which this warp has a segment.
  __device__ void open(int index) {
    index_ = index;
    segment_ = threadIdx.x / kWarp;
    for (; index_ < units_.count(); ++index_) {
      unit_ = units_.at(index_);
      const ExpertSide& from = side();
      segments_ = static_cast<int>(
          (from.one.cols + kSegmentColumns - 1) / kSegmentColumns);
      if (segment_ < segments_)
        break;
    }
    if (index_ >= units_.count())
      return;
    const ExpertSide& from = side();
    const int lane = threadIdx.x % kWarp;
    const int g = lane / 4;
    const WeightView& low =
        from.stack == nullptr ? from.one : from.stack[unit_.expert];
    if (launch_.stage == ExpertStage::gate_up) {
      const WeightView& high =
          from.stack == nullptr ? from.one_second : from.second[unit_.expert];
      rows_[0] = source(low, 8 * int64_t{unit_.tile} + g);
      rows_[1] = source(high, 8 * int64_t{unit_.tile} + g);
    } else {
      rows_[0] = source(low, 16 * int64_t{unit_.tile} + g);
      rows_[1] = source(low, 16 * int64_t{unit_.tile} + g + 8);
    }
    input_row_ = 0;
    if (lane < unit_.count) {
      const int pair = expert_pair(launch_, unit_, lane);
      input_row_ = launch_.stage == ExpertStage::gate_up && !unit_.shared
                       ? pair / launch_.per_token
                       : pair;
    }
    input_column_ = lane % 16 * 8;
    const Input first = input_of(lane / 16);
    first_input_ = first.from;
    input_to_ = first.to;
  }

  const ExpertLaunch& launch_;
  ExpertUnits units_;
  ExpertUnit unit_ = {};
  RowSource rows_[2] = {};
  int index_ = 0;
  int segment_ = 0;
  int segments_ = 0;
  int input_row_ = 0;                      // of the lane's column
  int input_column_ = 0;                   // of the lane's place in a segment
  const uint16_t* first_input_ = nullptr;  // the row that it copies first
  int input_to_ = 0;
};

template <class Routed, class Shared>
__global__ void __launch_bounds__(kExpertThreads, 2)
    expert_ring_kernel(const __grid_constant__ ExpertLaunch launch) {
  constexpr int kDepth = kExpertDepth;
  constexpr int kWeightBytes =
      std::max(RingRows<Routed>::kBytes, RingRows<Shared>::kBytes);
  extern __shared__ __align__(128) std::byte memory[];
  __shared__ float values[kMostGroupColumns][8];
  const int warp = threadIdx.x / kWarp;
  const int lane = threadIdx.x % kWarp;
  const int parts = max(launch.routed.input.parts, launch.shared.input.parts);
  const int place_bytes =
      kWeightBytes + launch.columns * expert_column_bytes(parts);
  std::byte* const ring = memory + warp * kDepth * place_bytes;
  auto* const joined =
      reinterpret_cast<float*>(memory + kPartials * kDepth * place_bytes);
  const int joined_floats = kPartials * 16 * launch.columns;
  auto* const entries =
      reinterpret_cast<ExpertEntry*>(joined + 2 * joined_floats);
  const auto place = [&](int step) {
    return ring + step % kDepth * place_bytes;
  };

  ExpertUnits units(launch);
  // Weights of the shared expert are asked for while the kernel before this one
  // still runs.
  int early = 0;
  const auto ask_early = [&](bool shared_only) {
    ExpertReader<Routed, Shared> reader(launch, units);
    for (reader.start(); early < kDepth - 1 &&
                         (shared_only ? reader.at_shared() : !reader.ended());
         reader.next()) {
      reader.copy_weights(place(early));
      ++early;
    }
  };
  if (launch.stage == ExpertStage::gate_up) {
    ask_early(true);
    wait_for_predecessor();
    units.find_routed(entries, find_entries(launch, entries, kExpertThreads));
  } else {
    // What was chosen is known since before the first product.
    units.find_routed(entries, find_entries(launch, entries, kExpertThreads));
    ask_early(false);
    wait_for_predecessor();
  }
  let_successor_start();
  ExpertReader<Routed, Shared> reader(launch, units);
  reader.start();
  const auto ask = [&](int step) {
    if (!reader.ended()) {
      if (step >= early)
        reader.copy_weights(place(step));
      reader.copy_inputs(place(step) + kWeightBytes);
      reader.next();
    }
    close_batch();
  };
  for (int step = 0; step < kDepth - 1; ++step)
    ask(step);

  int step = 0;
  float y = 0;
  for (int index = 0; index < units.count(); ++index) {
    const ExpertUnit unit = units.at(index);
    const ExpertSide& side = unit.shared ? launch.shared : launch.routed;
    const int column_bytes = expert_numbers_bytes(side.input.parts);
    const int segments = static_cast<int>(
        (side.one.cols + kSegmentColumns - 1) / kSegmentColumns);
    GroupSums sums;
    for (int segment = warp; segment < segments; segment += kPartials) {
      wait_for_batches<kDepth - 2>();
      __syncwarp();
      ask(step + kDepth - 1);
      const std::byte* const from = place(step);
      const std::byte* const numbers =
          from + kWeightBytes + lane / 4 * column_bytes +
          (unit.shared ? Shared::input_lane(lane % 4)
                       : Routed::input_lane(lane % 4));
      const GroupInputs inputs = {
          numbers,
          kExpertPartBytes,
          from + kWeightBytes + launch.columns * column_bytes,
          kExpertSumBytes,
          side.input.parts,
          unit.count,
          lane / 4 < unit.count};
      if (unit.shared)
        Shared::multiply(
            side.one,
            RingRows<Shared>::source(side.one, from, segment, lane),
            segment,
            inputs,
            lane % 4,
            sums);
      else
        Routed::multiply(
            side.one,
            RingRows<Routed>::source(side.one, from, segment, lane),
            segment,
            inputs,
            lane % 4,
            sums);
      ++step;
    }
    const bool exact = side.input.parts != 1;
    if (unit.shared)
      Shared::finish(exact, sums);
    else
      Routed::finish(exact, sums);
    float* const all = joined + index % 2 * joined_floats;
    put_partials(sums, warp, launch.columns, all);
    __syncthreads();
    finish_unit(launch, unit, index, units.matrices(), all, values, y);
  }
}

}  // namespace hadal::cuda
