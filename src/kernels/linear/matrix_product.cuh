// Products with the matrix instructions: weights as rows, tokens as columns
// (design: one family from one token to hundreds, with the same bits).
//
// m16n8k16 with bfloat16 operands and float32 sums. Weights of FP8, mxfp8,
// mxfp4 and BF16 are bfloat16 numbers once their power-of-two scales are
// applied; FP8 blocks keep their scale apart, for it may be any float32. An
// activation is the sum of up to three bfloat16 numbers, so three instructions
// multiply it as float32 and one as bfloat16.
#pragma once

#include <cstdint>

#include "kernels/cuda/numbers.cuh"
#include "kernels/weight_view.h"

namespace hadal::cuda {

// Two bfloat16 numbers in a register, the lower column in the lower half.
using Pair = uint32_t;

__device__ inline Pair multiply(Pair a, Pair b) {
  Pair result;
  asm("mul.rn.bf16x2 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
  return result;
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

// Bytes 0 and 1 of `codes` (E4M3): the fields are moved into place as a tiny
// number, which a power of two then brings to its size. NaN stays NaN.
__device__ inline Pair e4m3_pair(uint32_t codes) {
  const uint32_t spread = __byte_perm(codes, 0, 0x4140);  // 0 b1 0 b0
  const uint32_t sign = (spread & 0x00800080U) << 8;
  const uint32_t magnitude = spread & 0x007F007FU;
  const uint32_t nan = ((magnitude & 0xFFFF) == 0x7F ? 0x7FC0U : 0) |
                       ((magnitude >> 16) == 0x7F ? 0x7FC00000U : 0);
  return multiply(sign | magnitude << 4, power_of_two(120)) | nan;
}

// The lowest nibble of each half of `codes` (E2M1).
__device__ inline Pair e2m1_pair(uint32_t codes) {
  const uint32_t sign = (codes & 0x00080008U) << 12;
  const uint32_t magnitude = (codes & 0x00070007U) << 6;
  return multiply(sign | magnitude, power_of_two(126));
}

// sums += a * b.
__device__ inline void multiply_add(
    float (&sums)[4], const Pair (&a)[4], Pair b0, Pair b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

}  // namespace hadal::cuda
