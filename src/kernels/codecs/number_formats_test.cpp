// The codecs against definitions that share no code with them: the value of a
// code by its fields in double, rounding by search over all codes.
#include "kernels/codecs/number_formats.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace hadal {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

uint32_t bits_of(float value) {
  return std::bit_cast<uint32_t>(value);
}

// sign, exponent field, mantissa field -> value, by the definition.
double value_of(int code, int exponent_bits, int mantissa_bits, int bias) {
  const int mantissa = code & ((1 << mantissa_bits) - 1);
  const int exponent = (code >> mantissa_bits) & ((1 << exponent_bits) - 1);
  const int sign = code >> (mantissa_bits + exponent_bits) & 1;
  const double magnitude = exponent == 0
                               ? std::ldexp(mantissa, 1 - bias - mantissa_bits)
                               : std::ldexp(
                                     (1 << mantissa_bits) + mantissa,
                                     exponent - bias - mantissa_bits);
  return sign != 0 ? -magnitude : magnitude;
}

// The nearest of the increasing `values`, ties to the even index; saturates.
int nearest_code(const std::vector<double>& values, double x) {
  int best = 0;
  for (int i = 1; i < static_cast<int>(values.size()); ++i) {
    const double old_distance = std::abs(values[best] - x);
    const double distance = std::abs(values[i] - x);
    if (distance < old_distance || (distance == old_distance && i % 2 == 0))
      best = i;
  }
  return best;
}

// Every float whose upper half is any of the 65,536 patterns, with lower halves
// at and around the ties of all formats.
template <class Visit>
void for_many_floats(const Visit& visit) {
  for (uint32_t upper = 0; upper < 65536; ++upper)
    for (uint32_t lower : {0U, 1U, 0x1000U, 0x7FFFU, 0x8000U, 0x8001U, 0xFFFFU})
      visit(std::bit_cast<float>(upper << 16 | lower));
}

TEST(NumberFormats, Bf16AllCodes) {
  for (uint32_t code = 0; code < 65536; ++code) {
    const uint16_t half = static_cast<uint16_t>(code);
    const float value = bf16_to_float(half);
    ASSERT_EQ(bits_of(value), code << 16);
    const bool signalling = std::isnan(value) && (code & 0x40) == 0;
    ASSERT_EQ(float_to_bf16(value), signalling ? code | 0x40 : code);
  }
}

TEST(NumberFormats, Bf16RoundsToNearestEven) {
  for_many_floats([](float value) {
    const uint32_t bits = bits_of(value);
    const uint16_t rounded = float_to_bf16(value);
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(bf16_to_float(rounded)));
      ASSERT_EQ(rounded >> 15, static_cast<int>(bits >> 31));
      return;
    }
    // Up beyond a half, down below, to even at a half; a carry may give
    // infinity, which is right.
    const uint32_t down = bits >> 16;
    const uint32_t rest = bits & 0xFFFF;
    const bool up = rest > 0x8000 || (rest == 0x8000 && (down & 1) != 0);
    ASSERT_EQ(rounded, down + (up ? 1 : 0));
  });
  EXPECT_EQ(float_to_bf16(std::numeric_limits<float>::max()), 0x7F80);
}

// The compiler's own half precision; g++ 12 for arm64 has another name for it.
#ifdef __ARM_FP16_FORMAT_IEEE
using Half = __fp16;
#else
using Half = _Float16;
#endif

TEST(NumberFormats, F16AllCodesAndRounding) {
  for (uint32_t code = 0; code < 65536; ++code) {
    const uint16_t half = static_cast<uint16_t>(code);
    const float value = f16_to_float(half);
    const float expected = static_cast<float>(std::bit_cast<Half>(half));
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(value));
      ASSERT_EQ(bits_of(value) >> 31, code >> 15);
      ASSERT_TRUE(std::isnan(f16_to_float(float_to_f16(value))));
      continue;
    }
    ASSERT_EQ(bits_of(value), bits_of(expected)) << code;
    ASSERT_EQ(float_to_f16(value), half);
  }
  for_many_floats([](float value) {
    if (std::isnan(value))
      return;
    ASSERT_EQ(
        float_to_f16(value), std::bit_cast<uint16_t>(static_cast<Half>(value)))
        << value;
  });
}

TEST(NumberFormats, E4m3AllCodes) {
  for (int code = 0; code < 256; ++code) {
    const float value = e4m3_to_float(static_cast<uint8_t>(code));
    if ((code & 0x7F) == 0x7F) {
      EXPECT_TRUE(std::isnan(value));
      EXPECT_EQ(float_to_e4m3(value), code);
      continue;
    }
    EXPECT_EQ(value, value_of(code, 4, 3, 7));
    EXPECT_EQ(std::signbit(value), code >= 128);
    EXPECT_EQ(float_to_e4m3(value), code);
  }
  EXPECT_EQ(e4m3_to_float(0x7E), 448);
  EXPECT_EQ(e4m3_to_float(0x01), 0x1p-9F);
}

TEST(NumberFormats, E4m3RoundsToNearestEvenAndSaturates) {
  std::vector<double> values;
  for (int code = 0; code < 0x7F; ++code)
    values.push_back(value_of(code, 4, 3, 7));
  for (int code = 0; code + 1 < 0x7F; ++code) {
    const float middle =
        static_cast<float>((values[code] + values[code + 1]) / 2);
    EXPECT_EQ(float_to_e4m3(middle), code % 2 == 0 ? code : code + 1);
    EXPECT_EQ(float_to_e4m3(std::nextafter(middle, 0.0F)), code);
    EXPECT_EQ(float_to_e4m3(std::nextafter(middle, kInf)), code + 1);
    EXPECT_EQ(float_to_e4m3(-middle), 128 + (code % 2 == 0 ? code : code + 1));
  }
  for (float value : {0.0F, 1e-30F, 0x1p-127F, 0.3F, 17.2F, 447.0F, 463.9F})
    EXPECT_EQ(float_to_e4m3(value), nearest_code(values, value));
  for (float value : {449.0F, 464.0F, 480.0F, 1e30F, kInf}) {
    EXPECT_EQ(float_to_e4m3(value), 0x7E);
    EXPECT_EQ(float_to_e4m3(-value), 0xFE);
  }
  EXPECT_EQ(float_to_e4m3(kNan), 0x7F);
  EXPECT_EQ(float_to_e4m3(-0.0F), 0x80);
}

TEST(NumberFormats, E8m0AllCodes) {
  for (int code = 0; code < 255; ++code) {
    const float value = e8m0_to_float(static_cast<uint8_t>(code));
    EXPECT_EQ(value, std::ldexp(1.0, code - 127));
    EXPECT_EQ(float_to_e8m0(value), code);
  }
  EXPECT_TRUE(std::isnan(e8m0_to_float(255)));
  EXPECT_EQ(float_to_e8m0(kNan), 255);
}

TEST(NumberFormats, E2m1AllCodesTiesAndSaturation) {
  const double expected[8] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  for (int code = 0; code < 16; ++code) {
    const float value = e2m1_to_float(static_cast<uint8_t>(code));
    EXPECT_EQ(value, code < 8 ? expected[code] : -expected[code - 8]);
    EXPECT_EQ(std::signbit(value), code >= 8);
    EXPECT_EQ(float_to_e2m1(value), code);
  }
  // Spec 8.2: 0.25 -> 0, 0.75 -> 1, 1.25 -> 1, 1.75 -> 2, 2.5 -> 2, 3.5 -> 4,
  // 5 -> 4.
  const float ties[7] = {0.25F, 0.75F, 1.25F, 1.75F, 2.5F, 3.5F, 5};
  const float rounded[7] = {0, 1, 1, 2, 2, 4, 4};
  for (int i = 0; i < 7; ++i) {
    EXPECT_EQ(e2m1_to_float(float_to_e2m1(ties[i])), rounded[i]);
    EXPECT_EQ(e2m1_to_float(float_to_e2m1(-ties[i])), -rounded[i]);
    EXPECT_EQ(float_to_e2m1(std::nextafter(ties[i], 0.0F)), i);
    EXPECT_EQ(float_to_e2m1(std::nextafter(ties[i], kInf)), i + 1);
  }
  EXPECT_EQ(float_to_e2m1(7), 7);
  EXPECT_EQ(float_to_e2m1(-kInf), 15);
  EXPECT_EQ(float_to_e2m1(0x1p-140F), 0);
}

// Spec A.3.
TEST(NumberFormats, BlockScales) {
  EXPECT_EQ(fp8_block_scale(448), 1);
  EXPECT_EQ(fp8_block_scale(449), 2);
  EXPECT_EQ(fp8_block_scale(1), 0x1p-8F);
  EXPECT_EQ(fp8_block_scale(3.5F), 0x1p-7F);
  EXPECT_EQ(fp8_block_scale(900), 4);
  EXPECT_EQ(fp8_block_scale(0), 0x1p-22F);
  EXPECT_EQ(fp4_block_scale(6), 1);
  EXPECT_EQ(fp4_block_scale(6.5F), 2);
  EXPECT_EQ(fp4_block_scale(1), 0x1p-2F);
  EXPECT_EQ(fp4_block_scale(0.75F), 0x1p-3F);
  EXPECT_EQ(fp4_block_scale(0), 0x1p-126F);
  for (float bad : {kNan, kInf}) {
    EXPECT_TRUE(std::isnan(fp8_block_scale(bad)));
    EXPECT_TRUE(std::isnan(fp4_block_scale(bad)));
  }
}

// Spec 8.1: for every bfloat16 amax the rule is the exact
// ceil(log2(amax / 448)).
TEST(NumberFormats, Fp8BlockScaleIsExactForEveryBf16) {
  for (uint32_t code = 0; code < 0x7F80; ++code) {
    const double amax =
        std::max(1e-4F, bf16_to_float(static_cast<uint16_t>(code)));
    int exponent;
    const double fraction = std::frexp(amax / 448, &exponent);
    // amax / 448 = fraction * 2^exponent, fraction in [0.5, 1). A quotient of
    // two short numbers is a power of two only if it is one exactly.
    const double expected =
        std::ldexp(1.0, fraction == 0.5 ? exponent - 1 : exponent);
    ASSERT_EQ(fp8_block_scale(static_cast<float>(amax)), expected) << amax;
  }
}

TEST(NumberFormats, LargestMagnitude) {
  const std::vector<float> values = {1, -3, 2, -0.0F};
  EXPECT_EQ(largest_magnitude(values.data(), 4), 3);
  EXPECT_EQ(largest_magnitude(values.data(), 0), 0);
  const std::vector<float> bad = {1, kNan, kInf};
  EXPECT_TRUE(std::isnan(largest_magnitude(bad.data(), 3)));
}

}  // namespace
}  // namespace hadal
