// Activations in the order and the parts in which the matrix instructions take
// them (matrix_product.h).
#pragma once

#include <cstdint>

#include "kernels/cuda/numbers.cuh"
#include "kernels/cuda/sums.cuh"
#include "kernels/linear/matrix_product.h"

namespace hadal::cuda {

// What rounds to less than 2^-64 is zero, what rounds to 2^87 or more infinite
// (linear.h): the bounds are half a step of bfloat16 below these.
__device__ inline float limited_activation(float x) {
  constexpr float kLeast = 0x1p-64F - 0x1p-73F;
  constexpr float kMost = 0x1p87F - 0x1p78F;
  const float magnitude = fabsf(x);
  if (magnitude < kLeast)
    return 0;
  return magnitude >= kMost ? copysignf(__uint_as_float(kFloatInfinity), x) : x;
}

// Two numbers to bfloat16, to nearest even.
__device__ inline uint32_t bf16_pair(float first, float second) {
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(second), "f"(first));
  return pair;
}

// What is left of a number when its bfloat16 part is taken away.
__device__ inline float rest_of(float value, uint32_t part) {
  return magnitude_bits(value) < kFloatInfinity ? value - bf16_value(part) : 0;
}

// Columns k .. k + 7 of a token, zeros beyond `cols`; k is a multiple of 8.
__device__ inline void load_eight(
    const float* x, int64_t k, int64_t cols, float (&value)[8]) {
  if (k + 8 <= cols && reinterpret_cast<uintptr_t>(x) % 16 == 0) {
    const float4 low = *reinterpret_cast<const float4*>(x + k);
    const float4 high = *reinterpret_cast<const float4*>(x + k + 4);
    value[0] = low.x, value[1] = low.y, value[2] = low.z, value[3] = low.w;
    value[4] = high.x, value[5] = high.y, value[6] = high.z, value[7] = high.w;
  } else {
#pragma unroll
    for (int i = 0; i < 8; ++i)
      value[i] = k + i < cols ? x[k + i] : 0;
  }
}

// Every part's eight numbers as 16 bytes at out + part * stride, largest part
// first. Returns their sum as a balanced tree: of the rounded numbers, or of
// the float32 ones.
__device__ inline float prepare_eight(
    const float (&value)[8],
    InputOrder order,
    bool rounded,
    uint16_t* out,
    int64_t stride) {
  float rest[8];
#pragma unroll
  for (int i = 0; i < 8; ++i)
    rest[i] = rounded ? limited_activation(value[i]) : value[i];
  const int parts = rounded ? 1 : 3;
  float sum = ((value[0] + value[1]) + (value[2] + value[3])) +
              ((value[4] + value[5]) + (value[6] + value[7]));
  for (int part = 0; part < parts; ++part) {
    // Which two columns lie side by side.
    uint4 words;
    if (order == InputOrder::plain)
      words = {
          bf16_pair(rest[0], rest[1]),
          bf16_pair(rest[2], rest[3]),
          bf16_pair(rest[4], rest[5]),
          bf16_pair(rest[6], rest[7])};
    else if (order == InputOrder::fours)
      words = {
          bf16_pair(rest[0], rest[2]),
          bf16_pair(rest[1], rest[3]),
          bf16_pair(rest[4], rest[6]),
          bf16_pair(rest[5], rest[7])};
    else
      words = {
          bf16_pair(rest[0], rest[4]),
          bf16_pair(rest[1], rest[5]),
          bf16_pair(rest[2], rest[6]),
          bf16_pair(rest[3], rest[7])};
    *reinterpret_cast<uint4*>(out + part * stride) = words;
    if (rounded) {
      if (order == InputOrder::nibbles) {
        const auto low = [](uint32_t pair) {
          return bf16_value(pair & 0xFFFF);
        };
        const auto high = [](uint32_t pair) { return bf16_value(pair >> 16); };
        sum =
            ((low(words.x) + low(words.y)) + (low(words.z) + low(words.w))) +
            ((high(words.x) + high(words.y)) + (high(words.z) + high(words.w)));
      }
      break;
    }
#pragma unroll
    for (int i = 0; i < 8; ++i)
      rest[i] = rest_of(rest[i], bf16_bits(rest[i]));
  }
  return sum;
}

// Columns k .. k + 7 of a token, to out + part * stride + k.
__device__ inline float prepare_eight(
    const float* x,
    int64_t k,
    int64_t cols,
    InputOrder order,
    bool rounded,
    uint16_t* out,
    int64_t stride) {
  float value[8];
  load_eight(x, k, cols, value);
  return prepare_eight(value, order, rounded, out + k, stride);
}

// A token's `padded` columns by the threads of a block (all of them). `sums`:
// of every 32 columns, or null.
__device__ inline void prepare_token(
    const float* x,
    int64_t cols,
    int64_t padded,
    InputOrder order,
    bool rounded,
    uint16_t* out,
    int64_t stride,
    float* sums,
    int64_t first_thread,
    int64_t threads) {
  // Whole warps go round together, for the sums; what two rounds need is asked
  // for at once.
  constexpr int kRounds = 2;
  for (int64_t k0 = 8 * first_thread; k0 - 8 * (first_thread % kWarp) < padded;
       k0 += kRounds * 8 * threads) {
    float value[kRounds][8];
#pragma unroll
    for (int i = 0; i < kRounds; ++i)
      load_eight(x, k0 + 8 * threads * i, cols, value[i]);
#pragma unroll
    for (int i = 0; i < kRounds; ++i) {
      const int64_t k = k0 + 8 * threads * i;
      float sum = 0;
      if (k < padded)
        sum = prepare_eight(value[i], order, rounded, out + k, stride);
      if (sums == nullptr)
        continue;
      sum += __shfl_xor_sync(kAllLanes, sum, 1);
      sum += __shfl_xor_sync(kAllLanes, sum, 2);
      if (k < padded && k % 32 == 0)
        sums[k / 32] = sum;
    }
  }
}

}  // namespace hadal::cuda
