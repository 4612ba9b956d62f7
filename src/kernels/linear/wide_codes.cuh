// What a lane of a wide product reads of its two rows and makes of it.
//
// A lane brings the codes of a segment for its rows g and g + 8 into a slot of
// shared memory of its own, some segments ahead, and reads them back as the
// pairs of eight instructions: no other lane needs them, so nothing waits for
// anybody.
#pragma once

#include "kernels/cuda/sums.cuh"
#include "kernels/cuda/weights.cuh"
#include "kernels/linear/matrix_codes.cuh"
#include "kernels/linear/wide_kernel.h"

namespace hadal::cuda {

// `kBytes` (4, 8 or 16) to shared memory; zeros from `bytes` on.
template <int kBytes>
__device__ void copy_ahead(uint32_t to, const std::byte* from, int bytes) {
  if constexpr (kBytes == 16)
    asm volatile(
        "cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(to),
        "l"(from),
        "r"(bytes)
        : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(to),
                 "l"(from),
                 "n"(kBytes),
                 "r"(bytes)
                 : "memory");
}

// A lane's two rows (g and g + 8 of its warp's sixteen) in memory.
struct WideRows {
  const std::byte* codes[2] = {};
  const std::byte* scales[2] = {};
  const std::byte* biases[2] = {};
  int used = 0;         // bytes of a row's codes
  int scales_used = 0;  // bytes of a row's scales
  int scale_bytes = 1;
  int groups = 0;  // affine: of a segment

  // Rows beyond the last are read as the last.
  __device__ void find(const WeightView& view, int64_t first_row) {
    for (int r = 0; r < 2; ++r) {
      const int64_t row = min(first_row + 8 * r, view.rows - 1);
      codes[r] = view.data + row * view.row_bytes;
      const int64_t scale_row =
          view.format == WeightFormat::fp8_block ? row / 128 : row;
      scales[r] = view.scales + scale_row * view.scale_stride;
      biases[r] = view.biases + scale_row * view.scale_stride;
    }
  }
};

// One of these bits is set when one of four E4M3 codes is a NaN; the others say
// nothing.
constexpr uint32_t kNanBits = 0x80808080U;
__device__ inline uint32_t maybe_nan(uint32_t codes) {
  return (codes & 0x7F7F7F7FU) + 0x01010101U;
}

template <WideKind kKind>
struct WideCodes {
  static constexpr bool kFp4 = kKind == WideKind::e2m1;
  static constexpr bool kE4m3 = kKind == WideKind::e4m3_block ||
                                kKind == WideKind::e4m3_group ||
                                kKind == WideKind::e4m3_apart;
  // Pieces of a row's segment that are a lane's, each so many bytes; all lanes
  // of a quad take a piece side by side.
  static constexpr int kPieces = kFp4 ? 1 : kE4m3 ? 2 : 4;
  static constexpr int kPieceBytes = kKind == WideKind::affine4   ? 4
                                     : kKind == WideKind::affine8 ? 8
                                                                  : 16;
  // The scales that are read into registers: one byte of each row.
  static constexpr bool kScaleBytes = kKind == WideKind::e4m3_block || kFp4;
  // Words of a lane that hold other scales of a segment. Affine: of group q of
  // the segment, scale and bias of each row.
  static constexpr int kScaleWords = kKind == WideKind::e4m3_group   ? 2
                                     : kKind == WideKind::e4m3_apart ? 1
                                     : is_affine(kKind)              ? 4
                                                                     : 0;
  static constexpr int kLaneBytes = 2 * kPieces * kPieceBytes + 4 * kScaleWords;
  // A warp's slot: pieces apart, so that the lanes of a piece are side by side.
  static constexpr int kWarpBytes = kWarp * kLaneBytes;
  // Segments ahead.
  static constexpr int kAhead = kKind == WideKind::bf16 ? 2 : kFp4 ? 4 : 3;

  // Asks for a segment.
  __device__ static void ask(uint32_t slot, const WideRows& rows, int segment) {
    const int lane = threadIdx.x % kWarp;
    const int q = lane % 4;
#pragma unroll
    for (int r = 0; r < 2; ++r)
#pragma unroll
      for (int p = 0; p < kPieces; ++p) {
        const int at = (segment * kPieces + p) * 4 * kPieceBytes;
        const bool exists = at + q * kPieceBytes < rows.used;
        copy_ahead<kPieceBytes>(
            slot + ((r * kPieces + p) * kWarp + lane) * kPieceBytes,
            rows.codes[r] + (exists ? at + q * kPieceBytes : 0),
            exists ? kPieceBytes : 0);
      }
    const uint32_t words =
        slot + (2 * kPieces * kPieceBytes * kWarp + 4 * lane);
#pragma unroll
    for (int i = 0; i < kScaleWords; ++i) {
      const int at = scale_at(rows, segment, q);
      const std::byte* const from =
          (i < 2 ? rows.scales[i % 2] : rows.biases[i % 2]);
      const auto misplaced =
          static_cast<int>(reinterpret_cast<uintptr_t>(from + at) % 4);
      const int bytes = min(4, rows.scales_used - at + misplaced);
      copy_ahead<4>(
          words + i * kWarp * 4,
          bytes > 0 ? from + at - misplaced
                    : rows.scales[0] -
                          reinterpret_cast<uintptr_t>(rows.scales[0]) % 4,
          max(bytes, 0));
    }
  }

  // Where a lane's first scale of a segment lies in its row of scales.
  __device__ static int scale_at(const WideRows& rows, int segment, int q) {
    if constexpr (is_affine(kKind))
      return (segment * rows.groups + min(q, rows.groups - 1)) *
             rows.scale_bytes;
    return kFp4                            ? 4 * segment + q
           : kKind == WideKind::e4m3_group ? 4 * segment
                                           : segment * rows.scale_bytes;
  }

  // Word `index` of lane `lane` of this warp.
  __device__ static uint32_t scale_word(
      const std::byte* slot, int index, int lane) {
    return reinterpret_cast<const uint32_t*>(
        slot + 2 * kPieces * kPieceBytes * kWarp)[index * kWarp + lane];
  }

  // The E8M0 scale of half a segment of row r (mxfp8), 1 beyond the last.
  __device__ static uint32_t e8m0_scale(
      const std::byte* slot,
      const WideRows& rows,
      int segment,
      int r,
      int half) {
    const int lane = threadIdx.x % kWarp;
    const int more = 2 * half + lane % 4 / 2;
    return 4 * segment + more < rows.scales_used
               ? scale_word(slot, r, lane) >> (8 * more) & 0xFF
               : 127;
  }

  // The same of a whole segment, from memory (kScaleBytes).
  __device__ static uint32_t scale_byte(
      const WideRows& rows, int segment, int r) {
    const int at = scale_at(rows, segment, threadIdx.x % 4);
    return at < rows.scales_used
               ? __ldg(reinterpret_cast<const uint8_t*>(rows.scales[r]) + at)
               : 127;
  }

  // Any other scale: word `index` of the lane of group `group`; `from` is the
  // row of scales that it comes from.
  __device__ static float number(
      const std::byte* slot,
      const WideRows& rows,
      ScaleFormat format,
      const std::byte* from,
      int segment,
      int index,
      int group) {
    const int lane = is_affine(kKind)
                         ? static_cast<int>(threadIdx.x) % kWarp / 4 * 4 + group
                         : static_cast<int>(threadIdx.x) % kWarp;
    const uint32_t word = scale_word(slot, index, lane);
    if (format == ScaleFormat::f32)
      return __uint_as_float(word);
    const uintptr_t at =
        reinterpret_cast<uintptr_t>(from + scale_at(rows, segment, group)) % 4;
    const uint32_t half = word >> (8 * at) & 0xFFFF;
    if (format == ScaleFormat::bf16)
      return bf16_value(half);
    float number = 0;
    asm("cvt.f32.f16 %0, %1;"
        : "=f"(number)
        : "h"(static_cast<uint16_t>(half)));
    return number;
  }

  // The pairs of instructions 4 half .. 4 half + 3 of row r: of instruction j
  // at w[j][r] and w[j][2 + r].
  __device__ static void pairs(
      const std::byte* slot,
      uint32_t scale,
      int r,
      int half,
      uint32_t& nan,
      Pair (&w)[4][4]) {
    const int lane = threadIdx.x % kWarp;
    const auto piece = [&](int p) {
      return slot + ((r * kPieces + p) * kWarp + lane) * kPieceBytes;
    };
    if constexpr (kKind == WideKind::bf16) {
#pragma unroll
      for (int j = 0; j < 4; j += 2) {
        const uint4 c =
            *reinterpret_cast<const uint4*>(piece(2 * half + j / 2));
        w[j][r] = c.x, w[j][2 + r] = c.y;
        w[j + 1][r] = c.z, w[j + 1][2 + r] = c.w;
      }
    } else if constexpr (kE4m3) {
      const uint4 c = *reinterpret_cast<const uint4*>(piece(half));
      const uint32_t words[4] = {c.x, c.y, c.z, c.w};
      Pair factor = power_of_two(120);
      if constexpr (kKind != WideKind::e4m3_apart) {
        if (scale > kLargestScale)
          nan = kNanBits;
        factor = tiny_factor<kE4m3Exponent>(max(scale, kSmallestScale));
      }
#pragma unroll
      for (int j = 0; j < 4; ++j) {
        Pair even;
        Pair odd;
        tiny_e4m3(words[j], even, odd);
        nan |= maybe_nan(words[j]);
        w[j][r] = multiply(even, factor);
        w[j][2 + r] = multiply(odd, factor);
      }
    } else if constexpr (kFp4) {
      const uint2 c = *reinterpret_cast<const uint2*>(piece(0) + 8 * half);
      const uint32_t words[2] = {c.x, c.y};
      if (scale > kLargestScale)
        nan = kNanBits;
      const Pair factor = tiny_factor<kE2m1Exponent>(scale);
#pragma unroll
      for (int j = 0; j < 4; j += 2) {
        w[j][r] = multiply(tiny_e2m1<0>(words[j / 2]), factor);
        w[j][2 + r] = multiply(tiny_e2m1<1>(words[j / 2]), factor);
        w[j + 1][r] = multiply(tiny_e2m1<2>(words[j / 2]), factor);
        w[j + 1][2 + r] = multiply(tiny_e2m1<3>(words[j / 2]), factor);
      }
    } else {
      constexpr int kBits = kKind == WideKind::affine4 ? 4 : 8;
#pragma unroll
      for (int j = 0; j < 4; j += 2) {
        Pair four[4];
        affine_pairs<kBits>(piece(2 * half + j / 2), 0, kBits, four);
        w[j][r] = four[0], w[j][2 + r] = four[1];
        w[j + 1][r] = four[2], w[j + 1][2 + r] = four[3];
      }
    }
  }
};

}  // namespace hadal::cuda
