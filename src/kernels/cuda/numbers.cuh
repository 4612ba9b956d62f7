// The small number formats on a GPU: the same integer operations on the bits as
// codecs/number_formats.cpp, so the same values.
#pragma once

#include <cstdint>

namespace hadal::cuda {

constexpr uint32_t kFloatInfinity = 0x7F800000;
constexpr uint32_t kFloatNan = 0x7FC00000;

__device__ inline float bf16_value(uint32_t bits) {
  return __uint_as_float(bits << 16);
}

__device__ inline uint32_t bf16_bits(float value) {
  const uint32_t bits = __float_as_uint(value);
  if ((bits & 0x7FFFFFFF) > kFloatInfinity)
    return (bits >> 16) | 0x40;
  return (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
}

__device__ inline float f16_value(uint32_t half) {
  const uint32_t sign = (half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7FFF;
  if (magnitude >= 0x7C00)
    return __uint_as_float(
        sign | kFloatInfinity | (magnitude & 0x3FF) << 13 |
        (magnitude > 0x7C00 ? 0x400000 : 0));
  const float value = magnitude < 0x400
                          ? static_cast<float>(magnitude) * 0x1p-24F
                          : __uint_as_float((magnitude << 13) + (112U << 23));
  return __uint_as_float(sign | __float_as_uint(value));
}

__device__ inline float e4m3_value(uint32_t code) {
  const uint32_t sign = (code & 0x80) << 24;
  const uint32_t magnitude = code & 0x7F;
  if (magnitude == 0x7F)
    return __uint_as_float(sign | kFloatNan);
  const float value = magnitude < 8
                          ? static_cast<float>(magnitude) * 0x1p-9F
                          : __uint_as_float((magnitude << 20) + (120U << 23));
  return __uint_as_float(sign | __float_as_uint(value));
}

__device__ inline float e8m0_value(uint32_t code) {
  if (code == 0)
    return __uint_as_float(0x00400000U);
  return __uint_as_float(code == 255 ? kFloatNan : code << 23);
}

__device__ inline uint32_t e8m0_code(float value) {
  return (__float_as_uint(value) >> 23) & 0xFF;
}

__device__ inline float e2m1_value(uint32_t code) {
  const uint32_t magnitude = code & 7;
  const float value =
      magnitude < 2
          ? static_cast<float>(magnitude) * 0.5F
          : __uint_as_float(
                ((126 + (magnitude >> 1)) << 23) | ((magnitude & 1) << 22));
  return (code & 8) != 0 ? -value : value;
}

// A finite magnitude as a code of a format with `mantissa` mantissa bits whose
// smallest normal is 2^min_exponent, to nearest, ties to even.
__device__ inline uint32_t round_magnitude(
    uint32_t bits, int mantissa, int min_exponent) {
  const int exponent = static_cast<int>(bits >> 23) - 127;
  if (exponent < min_exponent) {
    const float unit = __uint_as_float(
        static_cast<uint32_t>(127 + mantissa - min_exponent) << 23);
    return __float2uint_rn(__uint_as_float(bits) * unit);
  }
  const int cut = 23 - mantissa;
  const uint32_t odd = (bits >> cut) & 1;
  const uint32_t rounded = bits + (1U << (cut - 1)) - 1 + odd;
  return (rounded >> cut) -
         (static_cast<uint32_t>(min_exponent + 126) << mantissa);
}

__device__ inline uint32_t e4m3_code(float value) {
  const uint32_t bits = __float_as_uint(value);
  const uint32_t sign = (bits >> 24) & 0x80;
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > kFloatInfinity)
    return sign | 0x7F;
  if (magnitude >= __float_as_uint(448.0F))
    return sign | 0x7E;
  return sign | round_magnitude(magnitude, 3, -6);
}

__device__ inline uint32_t e2m1_code(float value) {
  const uint32_t bits = __float_as_uint(value);
  const uint32_t sign = (bits >> 28) & 8;
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude >= __float_as_uint(6.0F))
    return sign | 7;
  return sign | round_magnitude(magnitude, 1, 0);
}

__device__ inline float power_of_two_above(float x) {
  const uint32_t bits = __float_as_uint(x);
  if (bits >= kFloatInfinity)
    return __uint_as_float(kFloatNan);
  return __uint_as_float(
      ((bits >> 23) + ((bits & 0x7FFFFF) != 0 ? 1 : 0)) << 23);
}

// The scales of spec 8.1 and 8.2 for a block whose largest magnitude has these
// bits: magnitudes order like their bits, and NaN lies above infinity.
__device__ inline float fp8_block_scale(uint32_t largest) {
  const float amax = __uint_as_float(largest);
  if (largest > kFloatInfinity)
    return amax;
  return power_of_two_above((amax > 1e-4F ? amax : 1e-4F) * (1.0F / 448.0F));
}

__device__ inline float fp4_block_scale(uint32_t largest) {
  const float amax = __uint_as_float(largest);
  if (largest > kFloatInfinity)
    return amax;
  constexpr float kFloor = 0x1.8p-124F;
  return power_of_two_above((amax > kFloor ? amax : kFloor) * (1.0F / 6.0F));
}

__device__ inline uint32_t magnitude_bits(float value) {
  return __float_as_uint(value) & 0x7FFFFFFF;
}

}  // namespace hadal::cuda
