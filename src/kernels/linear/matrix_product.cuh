// The matrix instruction (m16n8k16, bfloat16 operands, float32 sums) and how
// codes of the small formats become pairs of bfloat16 numbers in registers.
// Weights are the row operand, tokens the columns, so that one family of
// kernels serves one token and hundreds (order of the sums: matrix_product.h).
#pragma once

#include <cstdint>

#include "kernels/cuda/numbers.cuh"

namespace hadal::cuda {

// Two bfloat16 numbers in a register, the first in the lower half.
using Pair = uint32_t;

// a * b + c of both halves. (A product alone or a sum alone is no instruction
// before capability 9.0.)
__device__ inline Pair multiply_add(Pair a, Pair b, Pair c) {
  Pair result;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(result) : "r"(a), "r"(b), "r"(c));
  return result;
}

__device__ inline Pair multiply(Pair a, Pair b) {
  return multiply_add(a, b, 0x80008000U);
}

constexpr Pair both(uint32_t bf16) {
  return bf16 << 16 | bf16;
}

// 2^exponent as bfloat16, twice.
constexpr Pair power_of_two(int exponent) {
  return both(static_cast<uint32_t>(exponent + 127) << 7);
}

// An E8M0 scale as bfloat16, twice: exact, NaN for 255.
__device__ inline Pair e8m0_pair(uint32_t code) {
  return both(code == 0 ? 0x0040U : code == 255 ? 0x7FC0U : code << 7);
}

// Four E4M3 codes as two pairs, bytes 0 and 2, then 1 and 3, each number times
// 2^-120: the fields are moved into place as tiny bfloat16 numbers. NaN comes
// out as 480: see nan_codes.
__device__ inline void tiny_e4m3(uint32_t codes, Pair& even, Pair& odd) {
  even = (codes << 8 & 0x80008000U) | (codes << 4 & 0x07F007F0U);
  odd = (codes & 0x80008000U) | (codes >> 4 & 0x07F007F0U);
}

// Not zero when one of four E4M3 codes is a NaN.
__device__ inline uint32_t nan_codes(uint32_t codes) {
  return ((codes & 0x7F7F7F7FU) + 0x01010101U) & 0x80808080U;
}

// Nibbles kIndex and kIndex + 4 of eight E2M1 codes, times 2^-126.
template <int kIndex>
__device__ Pair tiny_e2m1(uint32_t codes) {
  constexpr int kShift = 6 - 4 * kIndex;
  const uint32_t moved = kShift > 0 ? codes << (kShift > 0 ? kShift : 0)
                                    : codes >> (kShift > 0 ? 0 : -kShift);
  return (codes << (12 - 4 * kIndex) & 0x80008000U) | (moved & 0x01C001C0U);
}

// What tiny numbers are multiplied with to become 2^-40 times the code times an
// E8M0 scale of at most 2^40 (code 167), which bfloat16 always holds; the sums
// of products then come back by kTinyWeights.
constexpr int kE4m3Exponent = 120 - 40;
constexpr int kE2m1Exponent = 126 - 40;
constexpr float kTinyWeights = 0x1p40F;
constexpr uint32_t kLargestScale = 127 + 40;
constexpr uint32_t kSmallestScale = 127 - 46;  // linear.h, of E4M3 codes
template <int kExponent>
__device__ Pair tiny_factor(uint32_t scale) {
  return both((scale + kExponent) << 7);
}

// Integers below 128 in bits 0-6 of both halves of `codes` as numbers.
__device__ inline Pair small_integers(uint32_t codes) {
  return multiply_add(codes | 0x43004300U, 0x3F803F80U, 0xC300C300U);
}

// Byte `index` of `low` and of `high` (0 .. 255) as numbers.
__device__ inline Pair byte_integers(uint32_t low, uint32_t high, int index) {
  const uint32_t select = 0x7650 | static_cast<uint32_t>(index);
  const float a =
      __uint_as_float(__byte_perm(low, 0x4B000000U, select)) - 0x1p23F;
  const float b =
      __uint_as_float(__byte_perm(high, 0x4B000000U, select)) - 0x1p23F;
  return __byte_perm(__float_as_uint(a), __float_as_uint(b), 0x7632);
}

// sums += a * b.
__device__ inline void multiply_add(
    float (&sums)[4], Pair a0, Pair a1, Pair a2, Pair a3, Pair b0, Pair b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

}  // namespace hadal::cuda
