// Operands of the matrix instruction m16n8k16 out of shared memory, and numbers
// as sums of two bfloat16 parts.
#pragma once

#include <cstdint>

namespace hadal::cuda {

// Two bfloat16 numbers in a register, the first one in the lower half.
using Pair = uint32_t;

__device__ inline Pair bf16_pair(float first, float second) {
  Pair result;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(result) : "f"(second), "f"(first));
  return result;
}

// x = high + low to 2^-18 of x.
struct SplitPair {
  Pair high;
  Pair low;
};
__device__ inline SplitPair split_pair(float first, float second) {
  const Pair high = bf16_pair(first, second);
  return {
      high,
      bf16_pair(
          first - __uint_as_float(high << 16),
          second - __uint_as_float(high & 0xFFFF0000))};
}

// Four 8 x 8 matrices of 16-bit numbers: lane l gives the address of row l % 8
// of matrix l / 8 and gets, of matrix i in pairs[i], the numbers 2 (l % 4) and
// the next of row l / 4; transposed: of column l / 4.
__device__ inline void load_matrices(Pair (&pairs)[4], const void* row) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(pairs[0]), "=r"(pairs[1]), "=r"(pairs[2]), "=r"(pairs[3])
               : "r"(address)
               : "memory");
}
__device__ inline void load_transposed(Pair (&pairs)[4], const void* row) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(row));
  asm volatile(
      "ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
      : "=r"(pairs[0]), "=r"(pairs[1]), "=r"(pairs[2]), "=r"(pairs[3])
      : "r"(address)
      : "memory");
}

// sums += a * b; a: 16 rows, b: 8 columns, in the instruction's own layout.
__device__ inline void multiply_tiles(
    float (&sums)[4], const Pair (&a)[4], Pair b0, Pair b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}

// Two bfloat16 products at once.
__device__ inline Pair multiply_pairs(Pair a, Pair b) {
  Pair result;
  asm("mul.rn.bf16x2 %0, %1, %2;" : "=r"(result) : "r"(a), "r"(b));
  return result;
}

// An E8M0 scale as bfloat16, twice: exact, NaN for 255.
__device__ inline Pair scale_pair(uint32_t code) {
  const uint32_t bits = code == 0 ? 0x0040U : code == 255 ? 0x7FC0U : code << 7;
  return bits << 16 | bits;
}

}  // namespace hadal::cuda
