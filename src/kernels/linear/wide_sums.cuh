// What the warpgroups of a wide product do: 64 rows times a tile of tokens.
#pragma once

#include "kernels/linear/wide_ahead.cuh"
#include "kernels/linear/wide_instruction.cuh"

namespace hadal::cuda {

// What a warp of a warpgroup does.
template <WideKind kKind, int kTokens>
class WideSums {
 public:
  using Codes = WideCodes<kKind>;
  using Memory = WideMemory<kKind, kTokens>;

  __device__ WideSums(
      const WideLaunch& launch,
      const WideUnits& units,
      std::byte* inputs,
      const std::byte* input_sums,
      std::byte* ring,
      uint64_t* full,
      uint64_t* empty)
      : ahead_(launch, units, ring + threadIdx.x / kWarp * Codes::kWarpBytes),
        inputs_(shared_address(inputs)),
        input_sums_(input_sums),
        ring_(ring + threadIdx.x / kWarp * Codes::kWarpBytes),
        full_(full),
        empty_(empty) {
    for (int u = blockIdx.x / kWideCluster; u < units.count();
         u += gridDim.x / kWideCluster) {
      const WideUnit unit = units.find(u);
      const WideJob& job = launch.jobs[unit.job];
      find_rows<kKind>(job, unit, rows_);
      format_ = job.weight.scale_format;
      const int segments = units.segments(unit.job);
#pragma unroll
      for (float& sum : total_)
        sum = 0;
      nan_[0] = nan_[1] = 0;
      load_scales(0);
      for (int p = 0; p < min(kPartials, segments); ++p) {
        if constexpr (is_apart(kKind))
          partial_apart(p, segments);
        else
          partial(p, segments);
      }
      write(job, unit);
    }
  }

 private:
  static constexpr int kSums = kTokens / 2;

  // Waits for a segment's codes.
  __device__ void codes_have_come() {
    asm volatile("cp.async.wait_group %0;" ::"n"(Codes::kAhead - 1) : "memory");
    if constexpr (is_affine(kKind))
      __syncwarp();
    slot_at_ = ring_ + slot_ * 8 * Codes::kWarpBytes;
    if (++slot_ == Codes::kAhead)
      slot_ = 0;
  }
  __device__ void ask_ahead() {
    if constexpr (is_affine(kKind))
      __syncwarp();
    ahead_.ask();
  }
  // The scales of a segment that comes soon.
  __device__ void load_scales(int segment) {
    if constexpr (Codes::kScaleBytes)
      for (int r = 0; r < 2; ++r)
        scales_[r] = Codes::scale_byte(rows_, segment, r);
  }
  __device__ void unpack(
      int segment, int half, const uint32_t (&scales)[2], Pair (&w)[4][4]) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      uint32_t scale = scales[r];
      if constexpr (kKind == WideKind::e4m3_group)
        scale = Codes::e8m0_scale(slot_at_, rows_, segment, r, half);
      Codes::pairs(slot_at_, scale, r, half, nan_[r], w);
    }
  }
  // Instruction j of the segment in the stage.
  __device__ uint64_t inputs(int j) const {
    return inputs_descriptor(
        inputs_ + stage_.index * Memory::kStageBytes +
        j / 4 * Memory::kSlabBytes + j % 4 * 32);
  }
  __device__ void release(int stage) {
    // The other lanes have read the sums of the activations.
    if constexpr (is_affine(kKind))
      __syncwarp();
    if (threadIdx.x % kWarp == 0) {
      barrier_arrive(&empty_[stage], 0);
      barrier_arrive(&empty_[stage], 1);
    }
  }

  // Adds partial sum p to the total. While four instructions run the codes of
  // the next four are unpacked.
  __device__ void partial(int p, int segments) {
    int before = -1;  // the stage that is still read
    for (int s = p; s < segments; s += kPartials) {
      codes_have_come();
      const uint32_t scales[2] = {scales_[0], scales_[1]};
      load_scales(
          s + kPartials < segments ? s + kPartials : min(p + 1, segments - 1));
      unpack(s, 0, scales, low_);
      barrier_wait(&full_[stage_.index], stage_.parity);
      warpgroup_begin();
#pragma unroll
      for (int j = 0; j < 4; ++j)
        warpgroup_product(sums_, low_[j], inputs(j), j > 0 || s > p);
      warpgroup_commit();
      warpgroup_wait<1>();
      if (before >= 0)
        release(before);
      unpack(s, 1, scales, high_);
      ask_ahead();
      warpgroup_begin();
#pragma unroll
      for (int j = 0; j < 4; ++j)
        warpgroup_product(sums_, high_[j], inputs(4 + j), true);
      warpgroup_commit();
      before = stage_.index;
      stage_.next();
      warpgroup_wait<1>();
    }
    warpgroup_wait<0>();
    keep_behind(sums_);
    release(before);
    constexpr bool kScaled = kKind != WideKind::bf16;
#pragma unroll
    for (int i = 0; i < kSums; ++i)
      total_[i] += kScaled ? sums_[i] * kTinyWeights : sums_[i];
  }

  // The same where sums of codes are scaled.
  __device__ void partial_apart(int p, int segments) {
#pragma unroll
    for (float& sum : partial_)
      sum = 0;
    for (int s = p; s < segments; s += kPartials) {
      codes_have_come();
      const int groups = is_affine(kKind) ? rows_.groups : 1;
      if (groups == 1)
        segment_apart<8>(s);
      else if (groups == 2)
        segment_apart<4>(s);
      else
        segment_apart<2>(s);
      release(stage_.index);
      stage_.next();
    }
#pragma unroll
    for (int i = 0; i < kSums; ++i)
      total_[i] += partial_[i];
  }

  // A segment whose groups are kPer instructions each.
  template <int kPer>
  __device__ void segment_apart(int s) {
    unpack(s, 0, scales_, low_);
    barrier_wait(&full_[stage_.index], stage_.parity);
    warpgroup_begin();
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      warpgroup_product(
          sums_, j < 4 ? low_[j] : high_[j - 4], inputs(j), j % kPer != 0);
      const bool ends = j % kPer == kPer - 1;
      if (ends || j == 3)
        warpgroup_commit();
      if (j == (kPer < 4 ? kPer - 1 : 3))
        unpack(s, 1, scales_, high_);
      if (ends) {
        warpgroup_wait<0>();
        keep_behind(sums_);
        add_scaled(s, j / kPer);
      }
      if (j < 7 && (ends || j == 3))
        warpgroup_begin();
    }
    ask_ahead();
  }

  // partial += the sums of a group, scaled.
  __device__ void add_scaled(int s, int group) {
    float scale[2];
    if constexpr (is_affine(kKind)) {
      float bias[2];
      for (int r = 0; r < 2; ++r) {
        scale[r] = Codes::number(
            slot_at_, rows_, format_, rows_.scales[r], s, r, group);
        bias[r] = Codes::number(
            slot_at_, rows_, format_, rows_.biases[r], s, 2 + r, group);
      }
      const auto* const of_tokens = reinterpret_cast<const float2*>(
          input_sums_ + stage_.index * Memory::kSumBytes +
          group * (kTokens * 4) + threadIdx.x % 4 * 8);
#pragma unroll
      for (int n = 0; n < kTokens / 8; ++n) {
        const float2 x = of_tokens[4 * n];
#pragma unroll
        for (int i = 0; i < 4; ++i) {
          float& sum = partial_[4 * n + i];
          sum = __fmaf_rn(sums_[4 * n + i], scale[i / 2], sum);
          sum = __fmaf_rn(i % 2 == 0 ? x.x : x.y, bias[i / 2], sum);
        }
      }
    } else {
      scale[0] =
          Codes::number(slot_at_, rows_, format_, rows_.scales[0], s, 0, 0);
#pragma unroll
      for (int i = 0; i < kSums; ++i)
        partial_[i] = __fmaf_rn(sums_[i], scale[0], partial_[i]);
    }
  }

  __device__ void write(const WideJob& job, const WideUnit& unit) {
    const int lane = threadIdx.x % kWarp;
    const int64_t row = unit.first_row + threadIdx.x / kWarp * 16 + lane / 4;
    float* const y = job.y + unit.tile.output * job.y_stride + row;
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      // A quad's lanes have a row in common.
      nan_[r] |= __shfl_xor_sync(kAllLanes, nan_[r], 1);
      nan_[r] |= __shfl_xor_sync(kAllLanes, nan_[r], 2);
      if (row + 8 * r >= job.weight.rows)
        continue;
#pragma unroll
      for (int n = 0; n < kTokens / 8; ++n)
#pragma unroll
        for (int i = 0; i < 2; ++i) {
          const int token = 8 * n + lane % 4 * 2 + i;
          if (token < unit.tile.count)
            y[token * job.y_stride + 8 * r] = (nan_[r] & kNanBits) != 0
                                                  ? __uint_as_float(kFloatNan)
                                                  : total_[4 * n + 2 * r + i];
        }
    }
  }

  WideAhead<kKind> ahead_;
  WideRows rows_;
  uint32_t inputs_;
  const std::byte* input_sums_;
  const std::byte* ring_;
  const std::byte* slot_at_ = nullptr;
  uint64_t* full_;
  uint64_t* empty_;
  WideStage<Memory::kStages> stage_;
  int slot_ = 0;
  ScaleFormat format_ = ScaleFormat::none;
  uint32_t nan_[2] = {};
  uint32_t scales_[2] = {127, 127};
  Pair low_[4][4];
  Pair high_[4][4];
  float sums_[kSums];
  float partial_[is_apart(kKind) ? kSums : 1];
  float total_[kSums];
};

}  // namespace hadal::cuda
