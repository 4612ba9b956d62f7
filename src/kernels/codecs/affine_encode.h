// Float32 rows -> MLX's affine format (spec 7.4): w = scale * code + bias, one
// scale and one bias a group of 32, 64 or 128 columns.
//
// Rules:
//   plain   bit for bit what MLX's `quantize` gives: the group's range is
//           divided evenly, the end of the larger magnitude and zero are hit
//           exactly, codes are chosen before the scale and bias are rounded.
//   search  the codes, scale and bias of least squared error, weighted by
//           channel: for several widths of the range, least squares for scale
//           and bias in turn with the choice of codes, then the neighbours of
//           the rounded numbers. Never worse than plain, by the error of what
//           is stored.
//
// All results are the same bits on every instruction set: sums go through
// sixteen lanes (simd/lanes-inl.h).
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/weight_view.h"

namespace hadal {

enum class AffineRule : uint8_t { plain, search };

struct AffineFormat {
  int bits = 4;    // 2, 3, 4, 5, 6 or 8
  int group = 64;  // 32, 64 or 128
  // How scales and biases are stored: f32, bf16 or f16.
  ScaleFormat scale_format = ScaleFormat::bf16;
};

// `row`: cols finite values, cols a multiple of the group. `weights` [cols]:
// how much an error in a channel counts, each >= 0; null: all the same; plain
// does not look at it. A group whose weights are all zero is treated as
// unweighted. Writes cols * bits / 8 bytes of codes and cols / group scales and
// biases. Threads may call it at once. A format that does not exist breaks an
// invariant.
void encode_affine_row(
    const AffineFormat& format,
    AffineRule rule,
    const float* row,
    const float* weights,
    int64_t cols,
    std::byte* codes,
    std::byte* scales,
    std::byte* biases);

}  // namespace hadal
