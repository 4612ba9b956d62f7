// Stored rows on their way into a block: copied as they are to shared memory,
// ahead of their use, and then widened to bfloat16 for all heads at once.
#pragma once

#include <cstdint>

#include "kernels/codecs/row_codec.h"
#include "kernels/cuda/sums.cuh"
#include "kernels/row_format.h"
#include "kernels/sparse_attention/matrix_tiles.cuh"

namespace hadal::cuda {

template <int kBytes>
__device__ void copy_ahead(void* to, const void* from) {
  const auto address = static_cast<uint32_t>(__cvta_generic_to_shared(to));
  if constexpr (kBytes == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address),
                 "l"(from)
                 : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(address),
                 "l"(from),
                 "n"(kBytes)
                 : "memory");
}
__device__ inline void end_of_copies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}
__device__ inline void wait_for_copies() {
  asm volatile("cp.async.wait_group 0;" ::: "memory");
}

template <int kBytes>
__device__ void copy_row(std::byte* to, const std::byte* from, int bytes) {
  const int lane = threadIdx.x % kWarp;
#pragma unroll 1
  for (int i = lane * kBytes; i < bytes; i += kWarp * kBytes)
    copy_ahead<kBytes>(to + i, from + i);
}

// A warp copies a row of `bytes`, a multiple of 4 like both addresses.
__device__ inline void copy_row(
    std::byte* to, const std::byte* from, int bytes) {
  const auto bits = reinterpret_cast<uintptr_t>(from) |
                    reinterpret_cast<uintptr_t>(to) |
                    static_cast<unsigned>(bytes);
  if (bits % 16 == 0)
    copy_row<16>(to, from, bytes);
  else if (bits % 8 == 0)
    copy_row<8>(to, from, bytes);
  else
    copy_row<4>(to, from, bytes);
}

// Four E4M3 codes times a scale. The fields are moved into place as tiny
// numbers, which a power of two brings to their size. A block with a NaN has a
// NaN scale, so the code for NaN needs no care.
__device__ inline uint2 widen_codes(uint32_t codes, Pair scale) {
  constexpr Pair kSize = 0x7B807B80;                    // 2^120
  const uint32_t low = __byte_perm(codes, 0, 0x1404);   // 0 c0 0 c1, high bytes
  const uint32_t high = __byte_perm(codes, 0, 0x3424);  // 0 c2 0 c3
  const auto widen = [&](uint32_t shifted) {
    const uint32_t tiny =
        (shifted & 0x80008000) | ((shifted & 0x7F007F00) >> 4);
    return multiply_pairs(multiply_pairs(tiny, kSize), scale);
  };
  return {widen(low), widen(high)};
}

// A warp widens a row of float32 or bfloat16. `tile`: its channels in bfloat16;
// with kParts 3, what that lacks and what is lacking then stand `part_stride`
// and twice that further on, so that nothing is lost. The channels behind dim
// are left.
template <int kParts>
__device__ void widen_row(
    const RowLayout& layout,
    const std::byte* raw,
    uint16_t* tile,
    int part_stride) {
  const int pairs = static_cast<int>(layout.dim) / 2;
  const bool wide = layout.format == RowFormat::f32;
#pragma unroll 1
  for (int i = threadIdx.x % kWarp; i < pairs; i += kWarp) {
    auto* const out = reinterpret_cast<Pair*>(tile) + i;
    if constexpr (kParts == 1) {
      *out = reinterpret_cast<const uint32_t*>(raw)[i];
    } else {
      float first;
      float second;
      if (wide) {
        first = reinterpret_cast<const float*>(raw)[2 * i];
        second = reinterpret_cast<const float*>(raw)[2 * i + 1];
      } else {
        const uint32_t pair = reinterpret_cast<const uint32_t*>(raw)[i];
        first = __uint_as_float(pair << 16);
        second = __uint_as_float(pair & 0xFFFF0000);
      }
#pragma unroll
      for (int part = 0; part < kParts; ++part) {
        const Pair pair = bf16_pair(first, second);
        out[part * part_stride / 2] = pair;
        first -= __uint_as_float(pair << 16);
        second -= __uint_as_float(pair & 0xFFFF0000);
      }
    }
  }
}

}  // namespace hadal::cuda
