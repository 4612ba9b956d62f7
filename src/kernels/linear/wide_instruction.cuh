// The matrix instruction of a warpgroup (wgmma, capability 9.0a): 64 rows of
// weights from registers, tokens from shared memory. Its sums have the bits of
// m16n8k16's, instruction by instruction.
#pragma once

#include <cstdint>

#include "kernels/linear/matrix_product.cuh"

namespace hadal::cuda {

// Registers that other instructions wrote are seen by the next products.
__device__ inline void warpgroup_begin() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
__device__ inline void warpgroup_commit() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
// Returns when all but the kPending latest groups are done.
template <int kPending>
__device__ void warpgroup_wait() {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(kPending) : "memory");
}
// What is done with the sums stays behind the wait before this.
template <int kCount>
__device__ void keep_behind(float (&sums)[kCount]) {
#pragma unroll
  for (float& sum : sums)
    asm volatile("" : "+f"(sum)::"memory");
}

// Sixteen columns of tokens in shared memory, which lie there in 128 bytes a
// token, 16-byte pieces exchanged as the 128-byte swizzle does; `at` is an
// address in shared memory, in a slab that begins at a multiple of 1024.
__device__ inline uint64_t inputs_descriptor(uint32_t at) {
  constexpr uint64_t kEightTokens = 1024;
  constexpr uint64_t kSwizzle128 = 1;
  return at >> 4 | uint64_t{1} << 16 | kEightTokens >> 4 << 32 |
         kSwizzle128 << 62;
}

// The sums of lane 4 g + q of warp w, s[4 j + i]: row 16 w + g (i < 2) or 16 w
// + g + 8, token 8 j + 2 q + i mod 2. Weights: four pairs as of m16n8k16. sums
// += weights * inputs, or = where `add` is false.
__device__ inline void warpgroup_product(
    float (&s)[16], const Pair (&a)[4], uint64_t inputs, bool add) {
  asm volatile(
      "{\n"
      ".reg .pred add;\n"
      "setp.ne.b32 add, %21, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 "
      "{"
      "%0, %1, %2, %3, %4, %5, %6, %7, "
      "%8, %9, %10, %11, %12, %13, %14, %15}, "
      "{%16, %17, %18, %19}, %20, add, 1, 1, 0;\n"
      "}\n"
      : "+f"(s[0]),
        "+f"(s[1]),
        "+f"(s[2]),
        "+f"(s[3]),
        "+f"(s[4]),
        "+f"(s[5]),
        "+f"(s[6]),
        "+f"(s[7]),
        "+f"(s[8]),
        "+f"(s[9]),
        "+f"(s[10]),
        "+f"(s[11]),
        "+f"(s[12]),
        "+f"(s[13]),
        "+f"(s[14]),
        "+f"(s[15])
      : "r"(a[0]),
        "r"(a[1]),
        "r"(a[2]),
        "r"(a[3]),
        "l"(inputs),
        "r"(static_cast<int>(add)));
}

// sums += weights * inputs, or = where `add` is false.
__device__ inline void warpgroup_product(
    float (&s)[32], const Pair (&a)[4], uint64_t inputs, bool add) {
  asm volatile(
      "{\n"
      ".reg .pred add;\n"
      "setp.ne.b32 add, %37, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
      "{"
      "%0, %1, %2, %3, %4, %5, %6, %7, "
      "%8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, "
      "%24, %25, %26, %27, %28, %29, %30, %31}, "
      "{%32, %33, %34, %35}, %36, add, 1, 1, 0;\n"
      "}\n"
      : "+f"(s[0]),
        "+f"(s[1]),
        "+f"(s[2]),
        "+f"(s[3]),
        "+f"(s[4]),
        "+f"(s[5]),
        "+f"(s[6]),
        "+f"(s[7]),
        "+f"(s[8]),
        "+f"(s[9]),
        "+f"(s[10]),
        "+f"(s[11]),
        "+f"(s[12]),
        "+f"(s[13]),
        "+f"(s[14]),
        "+f"(s[15]),
        "+f"(s[16]),
        "+f"(s[17]),
        "+f"(s[18]),
        "+f"(s[19]),
        "+f"(s[20]),
        "+f"(s[21]),
        "+f"(s[22]),
        "+f"(s[23]),
        "+f"(s[24]),
        "+f"(s[25]),
        "+f"(s[26]),
        "+f"(s[27]),
        "+f"(s[28]),
        "+f"(s[29]),
        "+f"(s[30]),
        "+f"(s[31])
      : "r"(a[0]),
        "r"(a[1]),
        "r"(a[2]),
        "r"(a[3]),
        "l"(inputs),
        "r"(static_cast<int>(add)));
}

// sums += weights * inputs, or = where `add` is false.
__device__ inline void warpgroup_product(
    float (&s)[64], const Pair (&a)[4], uint64_t inputs, bool add) {
  asm volatile(
      "{\n"
      ".reg .pred add;\n"
      "setp.ne.b32 add, %69, 0;\n"
      "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
      "{"
      "%0, %1, %2, %3, %4, %5, %6, %7, "
      "%8, %9, %10, %11, %12, %13, %14, %15, "
      "%16, %17, %18, %19, %20, %21, %22, %23, "
      "%24, %25, %26, %27, %28, %29, %30, %31, "
      "%32, %33, %34, %35, %36, %37, %38, %39, "
      "%40, %41, %42, %43, %44, %45, %46, %47, "
      "%48, %49, %50, %51, %52, %53, %54, %55, "
      "%56, %57, %58, %59, %60, %61, %62, %63}, "
      "{%64, %65, %66, %67}, %68, add, 1, 1, 0;\n"
      "}\n"
      : "+f"(s[0]),
        "+f"(s[1]),
        "+f"(s[2]),
        "+f"(s[3]),
        "+f"(s[4]),
        "+f"(s[5]),
        "+f"(s[6]),
        "+f"(s[7]),
        "+f"(s[8]),
        "+f"(s[9]),
        "+f"(s[10]),
        "+f"(s[11]),
        "+f"(s[12]),
        "+f"(s[13]),
        "+f"(s[14]),
        "+f"(s[15]),
        "+f"(s[16]),
        "+f"(s[17]),
        "+f"(s[18]),
        "+f"(s[19]),
        "+f"(s[20]),
        "+f"(s[21]),
        "+f"(s[22]),
        "+f"(s[23]),
        "+f"(s[24]),
        "+f"(s[25]),
        "+f"(s[26]),
        "+f"(s[27]),
        "+f"(s[28]),
        "+f"(s[29]),
        "+f"(s[30]),
        "+f"(s[31]),
        "+f"(s[32]),
        "+f"(s[33]),
        "+f"(s[34]),
        "+f"(s[35]),
        "+f"(s[36]),
        "+f"(s[37]),
        "+f"(s[38]),
        "+f"(s[39]),
        "+f"(s[40]),
        "+f"(s[41]),
        "+f"(s[42]),
        "+f"(s[43]),
        "+f"(s[44]),
        "+f"(s[45]),
        "+f"(s[46]),
        "+f"(s[47]),
        "+f"(s[48]),
        "+f"(s[49]),
        "+f"(s[50]),
        "+f"(s[51]),
        "+f"(s[52]),
        "+f"(s[53]),
        "+f"(s[54]),
        "+f"(s[55]),
        "+f"(s[56]),
        "+f"(s[57]),
        "+f"(s[58]),
        "+f"(s[59]),
        "+f"(s[60]),
        "+f"(s[61]),
        "+f"(s[62]),
        "+f"(s[63])
      : "r"(a[0]),
        "r"(a[1]),
        "r"(a[2]),
        "r"(a[3]),
        "l"(inputs),
        "r"(static_cast<int>(add)));
}

}  // namespace hadal::cuda
