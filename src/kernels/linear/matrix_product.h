// The products of linear_cuda that go through the matrix instructions
// (m16n8k16: 16 columns of the weight an instruction, float32 sums).
//
// THE ORDER OF THE SUMS. It depends on the format and the number of columns
// alone; every kernel that multiplies these formats keeps to it, with one token
// or many, and so do the experts.
//
// 1. Segments. The columns are cut into segments of 128, the last one filled up
//    with zeros. Partial sum p = 0 .. 7 takes the segments p, p + 8, p + 16 ...
//    in this order, beginning at 0. The output is
//    (((0 + partial 0) + partial 1) + ...) + partial 7; empty partials are 0.
//
// 2. Instructions. A segment is eight instructions i = 0 .. 7, in this order.
//    Lane q = 0 .. 3 of a quad gives each of them four columns, in the
//    positions 2q, 2q + 1, 2q + 8, 2q + 9 of its sixteen. Counted from the
//    segment's first column these are, with b and offsets as listed:
//      BF16      b = 32 (i / 2) + 8 q + 4 (i mod 2):   b, b + 1, b + 2, b + 3
//      FP8 codes b = 64 (i / 4) + 16 q + 4 (i mod 4):  b, b + 2, b + 1, b + 3
//      mxfp4     b = 32 q + 8 (i / 2) + 2 (i mod 2):   b, b + 4, b + 1, b + 5
//      affine    b = 32 (i / 2) + 8 q + 2 (i mod 2):   b, b + 4, b + 1, b + 5
//    (so that a lane's codes lie side by side, and pairs fall out of a word by
//    shifts). Activations that are laid out by input_place() give a lane its
//    inputs side by side, too.
//
// 3. Parts. An activation is one bfloat16 number (ActivationFormat::bf16) or
//    the sum of three (float32 to the bit). With three, the smallest parts go
//    first, then the middle, then the largest: a part at a time through the
//    instructions 0 .. 3, then through 4 .. 7; of affine weights through two
//    instructions, 32 columns.
//
// 4. Scales.
//    E8M0 (FP8 blocks, mxfp8, mxfp4): the weight is the bfloat16 number code *
//    scale, exact; nothing else happens to the sums. (A kernel may take all
//    weights times 2^-40 and the output times 2^40: the same bits.)
//    FP8 blocks with other scales: a segment is summed from 0 with the bare
//    codes, then partial = fma(segment, scale, partial).
//    Affine: a group of 32, 64 or 128 columns is summed from 0 with the bare
//    codes, then partial = fma(sum, scale, partial); partial = fma(S, bias,
//    partial), where S is the sum of the group's activations (of all parts: the
//    rounded or the float32 number): neighbours are added, then neighbours of
//    these sums, and so on, a balanced tree.
#pragma once

#include <cstdint>
#include <span>

#include "kernels/linear/linear_params.h"

namespace hadal::cuda {

inline constexpr int64_t kSegmentColumns = 128;
inline constexpr int kPartials = 8;

// Where a prepared activation of column k lies, counted in numbers: a
// permutation of every eight columns. A lane then finds its inputs of the
// instructions of a segment in order, each as two pairs, at
//   BF16, affine  32 (i / 2) + 8 q + 4 (i mod 2)
//   FP8 codes     64 (i / 4) + 16 q + 4 (i mod 4)
//   mxfp4         32 q + 4 i
enum class InputOrder : uint8_t {
  plain,    // BF16
  fours,    // FP8 codes: columns 0 2 1 3 4 6 5 7 of every eight
  nibbles,  // mxfp4 and affine: columns 0 4 1 5 2 6 3 7
};

constexpr InputOrder input_order(WeightFormat format) {
  switch (format) {
    case WeightFormat::fp8_block:
    case WeightFormat::mxfp8:
      return InputOrder::fours;
    case WeightFormat::mxfp4:
    case WeightFormat::affine:
      return InputOrder::nibbles;
    default:
      return InputOrder::plain;
  }
}

constexpr int64_t input_place(InputOrder order, int64_t k) {
  const int64_t in_eight = k % 8;
  switch (order) {
    case InputOrder::fours: {
      const int64_t in_four = k % 4;
      return k - in_four + in_four / 2 + in_four % 2 * 2;
    }
    case InputOrder::nibbles:
      return k - in_eight + in_eight % 4 * 2 + in_eight / 4;
    case InputOrder::plain:
      break;
  }
  return k;
}

// FP8 blocks, mxfp8, mxfp4, affine and BF16 whose rows begin and end at
// multiples of 16 bytes. The other products take linear_cuda.cu's way.
bool takes_matrix_product(const WeightView& weight);

// y = x * W^T in this order, for products of weights that
// takes_matrix_product() takes, with the same number of tokens, not zero.
void matrix_products(std::span<const LinearParams> products);

}  // namespace hadal::cuda
