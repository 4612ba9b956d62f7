// The codes that a warp of a wide product asks for ahead: the segments of all
// its units in turn.
#pragma once

#include "kernels/linear/wide_units.cuh"

namespace hadal::cuda {

// A lane's rows of a unit.
template <WideKind kKind>
__device__ void find_rows(
    const WideJob& job, const WideUnit& unit, WideRows& rows) {
  const WeightView& like = job.weight;
  const auto cols = static_cast<int>(like.cols);
  rows.used = kKind == WideKind::bf16                                 ? 2 * cols
              : kKind == WideKind::e2m1 || kKind == WideKind::affine4 ? cols / 2
                                                                      : cols;
  rows.scale_bytes = like.scale_format == ScaleFormat::f32    ? 4
                     : like.scale_format == ScaleFormat::e8m0 ? 1
                                                              : 2;
  const int columns = is_affine(kKind)                         ? like.group
                      : like.format == WeightFormat::fp8_block ? 128
                                                               : 32;
  rows.groups = static_cast<int>(kSegmentColumns) / columns;
  rows.scales_used = (cols + columns - 1) / columns * rows.scale_bytes;
  const int lane = threadIdx.x % kWarp;
  rows.find(
      job.views != nullptr ? job.views[unit.tile.group] : like,
      unit.first_row + threadIdx.x / kWarp * 16 + lane / 4);
}

// What a warp asks for ahead: the segments of all units in turn.
template <WideKind kKind>
class WideAhead {
 public:
  using Codes = WideCodes<kKind>;
  __device__ WideAhead(
      const WideLaunch& launch, const WideUnits& units, std::byte* ring)
      : launch_(launch),
        units_(units),
        ring_(shared_address(ring)),
        unit_(blockIdx.x / kWideCluster) {
    begin_unit();
    for (int i = 0; i < Codes::kAhead; ++i)
      ask();
  }
  __device__ void ask() {
    if (unit_ < units_.count()) {
      Codes::ask(ring_ + slot_ * 8 * Codes::kWarpBytes, rows_, segment_);
      if (++slot_ == Codes::kAhead)
        slot_ = 0;
      segment_ += kPartials;
      if (segment_ >= segments_) {
        segment_ = ++partial_;
        if (partial_ == min(kPartials, segments_)) {
          unit_ += gridDim.x / kWideCluster;
          begin_unit();
        }
      }
    }
    asm volatile("cp.async.commit_group;" ::: "memory");
  }

 private:
  __device__ void begin_unit() {
    partial_ = segment_ = 0;
    if (unit_ >= units_.count())
      return;
    const WideUnit unit = units_.find(unit_);
    segments_ = units_.segments(unit.job);
    find_rows<kKind>(launch_.jobs[unit.job], unit, rows_);
  }

  const WideLaunch& launch_;
  const WideUnits& units_;
  uint32_t ring_;
  WideRows rows_;
  int unit_;
  int slot_ = 0;
  int partial_ = 0;
  int segment_ = 0;
  int segments_ = 0;
};

}  // namespace hadal::cuda
