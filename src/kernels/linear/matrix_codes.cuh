// What a lane makes of the weights it holds of a row: pairs for the matrix
// instructions, in the order of matrix_product.h.
#pragma once

#include "kernels/linear/matrix_product.cuh"

namespace hadal::cuda {

// Formats whose 16 bytes of a lane are consecutive columns of one row. A stage
// is what a warp reads of a row at once; a step is four instructions.
struct Bf16Codes {
  static constexpr int kColumns = 64;  // of a stage
  static constexpr int kChunks = 2;    // 16 bytes a lane and row in a stage
  static constexpr int kSteps = 1;     // of a stage
  // Where a lane's inputs of a step begin, and the second eight of them.
  __device__ static int input(int /*step*/, int q) { return 8 * q; }
  static constexpr int kSecond = 32;
};

struct E4m3Codes {
  static constexpr int kColumns = 128;
  static constexpr int kChunks = 2;
  static constexpr int kSteps = 2;
  __device__ static int input(int step, int q) { return 64 * step + 16 * q; }
  static constexpr int kSecond = 8;
};

struct E2m1Codes {
  static constexpr int kColumns = 128;
  static constexpr int kChunks = 1;
  static constexpr int kSteps = 2;
  __device__ static int input(int step, int q) { return 32 * q + 16 * step; }
  static constexpr int kSecond = 8;
};

// The weights of step `step` as pairs, of instruction j at 2 j and 2 j + 1.
__device__ inline void bf16_pairs(const uint4 (&chunks)[2], Pair (&w)[8]) {
  w[0] = chunks[0].x, w[1] = chunks[0].y, w[2] = chunks[0].z;
  w[3] = chunks[0].w, w[4] = chunks[1].x, w[5] = chunks[1].y;
  w[6] = chunks[1].z, w[7] = chunks[1].w;
}

// Sixteen E4M3 codes times 2^-120. `nan` is set when one of them is a NaN.
__device__ inline void e4m3_pairs(
    const uint4& codes, uint32_t& nan, Pair (&w)[8]) {
  const uint32_t words[4] = {codes.x, codes.y, codes.z, codes.w};
#pragma unroll
  for (int j = 0; j < 4; ++j) {
    tiny_e4m3(words[j], w[2 * j], w[2 * j + 1]);
    nan |= nan_codes(words[j]);
  }
}

// Sixteen E2M1 codes times 2^-126.
__device__ inline void e2m1_pairs(uint32_t low, uint32_t high, Pair (&w)[8]) {
  w[0] = tiny_e2m1<0>(low), w[1] = tiny_e2m1<1>(low);
  w[2] = tiny_e2m1<2>(low), w[3] = tiny_e2m1<3>(low);
  w[4] = tiny_e2m1<0>(high), w[5] = tiny_e2m1<1>(high);
  w[6] = tiny_e2m1<2>(high), w[7] = tiny_e2m1<3>(high);
}

// Eight affine codes of kBits (0: of `bits`, 3, 5 or 6) at `row` + unit * bits
// bytes of shared memory, as pairs of columns j and j + 4.
template <int kBits>
__device__ void affine_pairs(
    const std::byte* row, int unit, int bits, Pair (&w)[4]) {
  if constexpr (kBits == 2) {
    const uint32_t codes = __byte_perm(
        *reinterpret_cast<const uint16_t*>(row + 2 * unit), 0, 0x4140);
#pragma unroll
    for (int j = 0; j < 4; ++j)
      w[j] = small_integers(codes >> (2 * j) & 0x00030003U);
  } else if constexpr (kBits == 4) {
    const uint32_t codes = *reinterpret_cast<const uint32_t*>(row + 4 * unit);
#pragma unroll
    for (int j = 0; j < 4; ++j)
      w[j] = small_integers(codes >> (4 * j) & 0x000F000FU);
  } else if constexpr (kBits == 8) {
    const uint2 codes = *reinterpret_cast<const uint2*>(row + 8 * unit);
#pragma unroll
    for (int j = 0; j < 4; ++j)
      w[j] = byte_integers(codes.x, codes.y, j);
  } else {
    const int at = unit * bits;
    const auto* const words =
        reinterpret_cast<const uint32_t*>(row + at / 4 * 4);
    const uint32_t first = words[0];
    const uint32_t second = words[1];
    const int shift = at % 4 * 8;
    const uint64_t codes =
        (static_cast<uint64_t>(second) << 32 | first) >> shift;
    const auto low = static_cast<uint32_t>(codes);
    const auto high = static_cast<uint32_t>(codes >> (4 * bits));
    const uint32_t mask = (1U << bits) - 1;
#pragma unroll
    for (int j = 0; j < 4; ++j)
      w[j] = small_integers(
          (low >> (bits * j) & mask) | (high >> (bits * j) & mask) << 16);
  }
}

}  // namespace hadal::cuda
