// Written with integer operations on the bits, so that the same results come
// out on every compiler and instruction set.
#include "kernels/codecs/number_formats.h"

#include <bit>
#include <cmath>
#include <limits>

namespace hadal {
namespace {

constexpr uint32_t kInfinity = 0x7F800000;

// The magnitude `bits` of a float32 that is below 2^15 or so, in units of
// 2^unit_exponent, to nearest, ties to even. Exact: the scaling is by a power
// of two and the sum with 1.5 * 2^23 rounds once.
uint32_t round_to_units(uint32_t bits, int unit_exponent) {
  const float units = std::ldexp(std::bit_cast<float>(bits), -unit_exponent);
  return static_cast<uint32_t>(std::nearbyint(units));
}

// Rounds a finite magnitude to a format with `mantissa` mantissa bits whose
// smallest normal is 2^min_exponent. The result is the code that counts the
// representable magnitudes from zero: exponent field and mantissa together.
uint32_t round_magnitude(uint32_t bits, int mantissa, int min_exponent) {
  const int exponent = static_cast<int>(bits >> 23) - 127;
  if (exponent < min_exponent)  // subnormal in the small format
    return round_to_units(bits, min_exponent - mantissa);
  const int cut = 23 - mantissa;
  const uint32_t odd = (bits >> cut) & 1;
  const uint32_t rounded = bits + (1U << (cut - 1)) - 1 + odd;
  return (rounded >> cut) -
         (static_cast<uint32_t>(min_exponent + 126) << mantissa);
}

// 2^ceil(log2(x)) for a positive normal x, from the bits.
float power_of_two_above(float x) {
  const uint32_t bits = std::bit_cast<uint32_t>(x);
  if (bits >= kInfinity)
    return std::numeric_limits<float>::quiet_NaN();
  const uint32_t exponent = (bits >> 23) + ((bits & 0x7FFFFF) != 0 ? 1 : 0);
  return std::bit_cast<float>(exponent << 23);
}

}  // namespace

float bf16_to_float(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

uint16_t float_to_bf16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFF) > kInfinity)
    return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

float f16_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t magnitude = half & 0x7FFF;
  if (magnitude >= 0x7C00)  // infinity, or NaN with its payload
    return std::bit_cast<float>(
        sign | kInfinity | (magnitude & 0x3FF) << 13 |
        (magnitude > 0x7C00 ? 0x400000 : 0));
  const float value =
      magnitude < 0x400
          ? std::ldexp(static_cast<float>(magnitude), -24)
          : std::bit_cast<float>((magnitude << 13) + (112U << 23));
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
}

uint16_t float_to_f16(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > kInfinity)
    return static_cast<uint16_t>(sign | 0x7E00 | ((magnitude >> 13) & 0x3FF));
  if (magnitude == kInfinity)
    return static_cast<uint16_t>(sign | 0x7C00);
  const uint32_t code = round_magnitude(magnitude, 10, -14);
  return static_cast<uint16_t>(sign | (code > 0x7C00 ? 0x7C00 : code));
}

float e4m3_to_float(uint8_t code) {
  const uint32_t sign = static_cast<uint32_t>(code & 0x80) << 24;
  const uint32_t magnitude = code & 0x7F;
  if (magnitude == 0x7F)
    return std::bit_cast<float>(sign | 0x7FC00000);
  const float value =
      magnitude < 8 ? std::ldexp(static_cast<float>(magnitude), -9)
                    : std::bit_cast<float>((magnitude << 20) + (120U << 23));
  return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(value));
}

uint8_t float_to_e4m3(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 24) & 0x80;
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > kInfinity)
    return static_cast<uint8_t>(sign | 0x7F);
  if (magnitude >= std::bit_cast<uint32_t>(448.0F))
    return static_cast<uint8_t>(sign | 0x7E);
  return static_cast<uint8_t>(sign | round_magnitude(magnitude, 3, -6));
}

float e8m0_to_float(uint8_t code) {
  if (code == 0)
    return std::bit_cast<float>(0x00400000U);  // 2^-127, a subnormal float32
  if (code == 255)
    return std::numeric_limits<float>::quiet_NaN();
  return std::bit_cast<float>(static_cast<uint32_t>(code) << 23);
}

uint8_t float_to_e8m0(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint8_t>((bits >> 23) & 0xFF);
}

float e2m1_to_float(uint8_t code) {
  static constexpr float kValues[8] = {0, 0.5F, 1, 1.5F, 2, 3, 4, 6};
  const float value = kValues[code & 7];
  return (code & 8) != 0 ? -value : value;
}

uint8_t float_to_e2m1(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 28) & 8;
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude >= std::bit_cast<uint32_t>(6.0F))
    return static_cast<uint8_t>(sign | 7);
  return static_cast<uint8_t>(sign | round_magnitude(magnitude, 1, 0));
}

float fp8_block_scale(float amax) {
  // std::isnan first: a comparison with NaN would fall through to the floor.
  if (std::isnan(amax))
    return amax;
  return power_of_two_above((amax > 1e-4F ? amax : 1e-4F) * (1.0F / 448.0F));
}

float fp4_block_scale(float amax) {
  if (std::isnan(amax))
    return amax;
  constexpr float kFloor = 0x1.8p-124F;  // 6 * 2^-126
  return power_of_two_above((amax > kFloor ? amax : kFloor) * (1.0F / 6.0F));
}

float largest_magnitude(const float* values, int64_t count) {
  // Magnitudes order like their bits, and NaN lies above infinity.
  uint32_t largest = 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits = std::bit_cast<uint32_t>(values[i]) & 0x7FFFFFFF;
    largest = bits > largest ? bits : largest;
  }
  return std::bit_cast<float>(largest);
}

}  // namespace hadal
