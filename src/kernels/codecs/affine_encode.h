// Float32 rows -> MLX's affine format (spec 7.4): w = scale * code + bias, one
// scale and one bias a group of 32, 64 or 128 columns.
//
// Rules:
//   plain   bit for bit what MLX's `quantize` gives: the group's range is
//           divided evenly, the end of the larger magnitude and zero are hit
//           exactly, codes are chosen before the scale and bias are rounded.
//   search  the codes, scale and bias of least error: for several ranges,
//           weighted least squares for scale and bias in turn with the
//           choice of codes, then the neighbours of the rounded numbers. Never
//           worse than plain, by the error of what is stored. Where the metric
//           has factors, groups and columns are encoded in turn, and each makes
//           good what those before it got wrong (the idea of OBQ and GPTQ);
//           then codes, scales and biases change in turn while the whole
//           block's error falls.
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

// What an error e of a row costs; all arrays belong to the caller.
//   sum over j of weights[j] * (sum over i <= j of factors[i, j] * e[i])^2
// With E[x x^T] = R R^T for the inputs x of a product, R upper triangular, this
// is the mean square of the product's error when weights[j] = R[j, j]^2 and
// factors[i, j] = R[i, j] / R[j, j].
struct ErrorMetric {
  const float* weights = nullptr;  // [cols], each >= 0; null: all the same
  // Null: a column's factor to itself is one, every other zero. Else
  // [cols, block]: columns lie in blocks from a multiple of `block` on, and
  // factors[i * block + k] is that of column i to the k-th of its block, 0
  // before i, 1 at i. Needs weights.
  const float* factors = nullptr;
  // With factors: R R^T in the same form, every entry of a block.
  const float* products = nullptr;
  // A multiple of 32 up to 512 that divides 4096, or the row is not wider than
  // 4096.
  int64_t block = 0;
};

// `row`: cols finite values, cols a multiple of the group. Plain does not look
// at the metric. A group whose weights are all zero is treated as unweighted.
// Writes cols * bits / 8 bytes of codes and cols / group scales and biases.
// Threads may call it at once. A format that does not exist breaks an
// invariant.
void encode_affine_row(
    const AffineFormat& format,
    AffineRule rule,
    const float* row,
    const ErrorMetric& metric,
    int64_t cols,
    std::byte* codes,
    std::byte* scales,
    std::byte* biases);

}  // namespace hadal
