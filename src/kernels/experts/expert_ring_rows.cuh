// A warp's copies of a segment of sixteen rows into a place of its ring, by
// format: any shape whose rows are whole 16 bytes.
#pragma once

#include "kernels/experts/expert_affine_rows.cuh"
#include "kernels/experts/expert_copies.cuh"
#include "kernels/experts/expert_rows.cuh"

namespace hadal::cuda {

// Formats whose lanes copy what they read themselves: chunks of 16 bytes, in
// the ring one behind the other for all lanes; then the scales.
template <class Rows>
struct RingRows {
  static constexpr int kCodes = 1024 * Rows::kChunks;
  static constexpr int kBytes = kCodes + 64;

  __device__ static void copy(
      const WeightView& like,
      const RowSource (&rows)[2],
      int segment,
      int lane,
      std::byte* to) {
    constexpr int kRowBytes = 64 * Rows::kChunks;
    const int used = static_cast<int>(
        like.format == WeightFormat::bf16    ? 2 * like.cols
        : like.format == WeightFormat::mxfp4 ? like.cols / 2
                                             : like.cols);
    const int at = segment * kRowBytes + lane % 4 * 16;
#pragma unroll
    for (int c = 0; c < Rows::kChunks; ++c)
#pragma unroll
      for (int h = 0; h < 2; ++h) {
        const bool exists = at + 64 * c < used;
        copy_row_part(
            to + ((2 * c + h) * kWarp + lane) * 16,
            rows[h].data + (exists ? at + 64 * c : 0),
            exists);
      }
    const int half = lane % 4;
    if (half >= 2)
      return;
    const std::byte* const scales = half == 0 ? rows[0].scales : rows[1].scales;
    if constexpr (Rows::kGroupScales) {
      // A word of four E8M0 scales for each row.
      copy_word(to + kCodes + (half * 8 + lane / 4) * 4, scales + 4 * segment);
    } else if (like.format == WeightFormat::fp8_block && lane < 2) {
      // One scale for all rows of a half, which may lie at any byte.
      std::byte* const out = to + kCodes + 4 * half;
      if (like.scale_format == ScaleFormat::e8m0)
        *out = scales[segment];
      else
        *reinterpret_cast<float*>(out) =
            reinterpret_cast<const float*>(scales)[segment];
    }
  }

  __device__ static SegmentSource source(
      const WeightView&, const std::byte* from, int, int lane) {
    const int scale = Rows::kGroupScales ? lane / 4 * 4 : 0;
    const int half = Rows::kGroupScales ? 32 : 4;
    const std::byte* const scales = from + kCodes + scale;
    return {
        .codes = {from + 16 * lane, from + 512 + 16 * lane},
        .chunk_bytes = 1024,
        .scales = {scales, scales + half},
        .biases = {}};
  }
};

// A row's codes of a segment are `bits` times 16 bytes side by side, so a lane
// reads what others copied. Behind them four words of scales and of biases.
template <int kBits>
struct RingRows<AffineRows<kBits>> {
  static constexpr int kMostBits = AffineRows<kBits>::kMostBits;
  // From row to row: the bytes over keep the banks apart.
  static constexpr int kStride = 16 * kMostBits + 16;
  static constexpr int kCodes = 16 * kStride;
  static constexpr int kRowScales = 16;  // bytes
  static constexpr int kBytes = kCodes + 2 * 16 * kRowScales;

  // Of the first scale of a segment.
  __device__ static int scale_begin(const WeightView& like, int segment) {
    return segment * (128 / like.group) * affine_scale_bytes(like);
  }

  __device__ static void copy(
      const WeightView& like,
      const RowSource (&rows)[2],
      int segment,
      int lane,
      std::byte* to) {
    const int bits = kBits == 0 ? like.bits : kBits;
    const int g = lane / 4;
    const int q = lane % 4;
    const int used = static_cast<int>(like.cols * bits / 8);
#pragma unroll
    for (int c = 0; c < (kMostBits + 3) / 4; ++c) {
      const int chunk = 4 * c + q;
      const int at = (segment * bits + chunk) * 16;
      if (chunk < bits) {
#pragma unroll
        for (int h = 0; h < 2; ++h)
          copy_row_part(
              to + (8 * h + g) * kStride + 16 * chunk,
              rows[h].data + (at < used ? at : 0),
              at < used);
      }
    }
    // Rows of scales are whole words.
    const int word = scale_begin(like, segment) / 4 + q;
    const int end = min(
        scale_begin(like, segment + 1),
        static_cast<int>(like.cols / like.group) * affine_scale_bytes(like));
    if (4 * word >= end)
      return;
#pragma unroll
    for (int h = 0; h < 2; ++h) {
      std::byte* const out = to + kCodes + (8 * h + g) * kRowScales + 4 * q;
      copy_word(out, rows[h].scales + 4 * word);
      copy_word(out + 16 * kRowScales, rows[h].biases + 4 * word);
    }
  }

  __device__ static SegmentSource source(
      const WeightView& like, const std::byte* from, int segment, int lane) {
    const std::byte* const codes = from + lane / 4 * kStride;
    const std::byte* const scales =
        from + kCodes + lane / 4 * kRowScales + scale_begin(like, segment) % 4;
    const std::byte* const biases = scales + 16 * kRowScales;
    return {
        .codes = {codes, codes + 8 * kStride},
        .chunk_bytes = 0,
        .scales = {scales, scales + 8 * kRowScales},
        .biases = {biases, biases + 8 * kRowScales}};
  }
};

}  // namespace hadal::cuda
