// The warp of expert_stream.cuh that asks for what the others multiply.
#pragma once

#include "kernels/experts/expert_barriers.cuh"
#include "kernels/experts/expert_pieces.cuh"
#include "kernels/experts/expert_results.cuh"

namespace hadal::cuda {

// Piece after piece. Lanes 0-15 copy rows of codes, 16-31 of scales.
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

}  // namespace hadal::cuda
