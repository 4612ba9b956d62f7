#include "kernels/codecs/row_codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "kernels/codecs/number_formats.h"

namespace hadal {
namespace {

std::vector<float> decode(
    const RowLayout& layout, const std::vector<std::byte>& row) {
  std::vector<float> values(static_cast<size_t>(layout.dim));
  decode_row(layout, row.data(), values.data());
  return values;
}

std::vector<std::byte> encode(
    const RowLayout& layout, const std::vector<float>& values) {
  std::vector<std::byte> row(
      static_cast<size_t>(layout.row_bytes()), std::byte{0xAB});
  encode_row(layout, values.data(), row.data());
  return row;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * 4) == 0;
}

// Values of very different sizes a block, among them an all-zero block.
std::vector<float> random_row(int64_t dim, int64_t block, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values;
  for (int64_t i = 0; i < dim; ++i) {
    const int64_t b = i / block;
    const int exponent = static_cast<int>((b * 11 + seed) % 40) - 20;
    values.push_back(b % 5 == 3 ? 0 : std::ldexp(normal(random), exponent));
  }
  return values;
}

TEST(RowCodec, SizesOfTheModels) {
  EXPECT_EQ((RowLayout{RowFormat::fp8, 512, 64}).row_bytes(), 584);
  EXPECT_EQ((RowLayout{RowFormat::fp4, 128, 64}).row_bytes(), 68);
  EXPECT_EQ(fp8_row_rotary({RowFormat::fp8, 512, 64}), 455);
  EXPECT_EQ(fp8_row_rotary({RowFormat::fp8, 128, 64}), 65);
}

TEST(RowCodec, F32AndBf16) {
  for (int64_t dim : {1, 7, 128, 512}) {
    const std::vector<float> values = random_row(dim, 32, 3);
    const RowLayout f32{RowFormat::f32, dim, 0};
    EXPECT_TRUE(same_bits(decode(f32, encode(f32, values)), values));
    const RowLayout bf16{RowFormat::bf16, dim, 0};
    const std::vector<float> rounded = decode(bf16, encode(bf16, values));
    for (int64_t i = 0; i < dim; ++i)
      EXPECT_EQ(rounded[i], bf16_to_float(float_to_bf16(values[i])));
    EXPECT_TRUE(same_bits(decode(bf16, encode(bf16, rounded)), rounded));
  }
}

TEST(RowCodec, Fp8LosesNothingOnRoundedRows) {
  for (int64_t dim : {128, 512, 100})
    for (uint32_t seed = 0; seed < 200; ++seed) {
      const RowLayout layout{RowFormat::fp8, dim, dim == 100 ? 10 : 64};
      const int64_t coded = layout.dim - layout.rotary;
      const std::vector<float> values = random_row(dim, kFp8RowBlock, seed);
      // The round trip of spec 8.1, written out.
      std::vector<float> rounded = values;
      for (int64_t b = 0; b < coded; b += 64) {
        const int64_t n = std::min<int64_t>(64, coded - b);
        const float s = fp8_block_scale(largest_magnitude(&values[b], n));
        for (int64_t i = b; i < b + n; ++i)
          rounded[i] = e4m3_to_float(float_to_e4m3(values[i] / s)) * s;
      }
      for (int64_t i = coded; i < dim; ++i)
        rounded[i] = bf16_to_float(float_to_bf16(values[i]));
      EXPECT_TRUE(same_bits(decode(layout, encode(layout, values)), rounded));
      const std::vector<std::byte> row = encode(layout, rounded);
      EXPECT_TRUE(same_bits(decode(layout, row), rounded));
      EXPECT_EQ(encode(layout, decode(layout, row)), row);
    }
}

TEST(RowCodec, Fp4LosesNothingOnRoundedRows) {
  for (int64_t dim : {64, 128, 96})
    for (uint32_t seed = 0; seed < 200; ++seed) {
      const RowLayout layout{RowFormat::fp4, dim, 32};
      const std::vector<float> values = random_row(dim, kFp4RowBlock, seed);
      std::vector<float> rounded = values;
      for (int64_t b = 0; b < dim; b += 32) {
        const float s = fp4_block_scale(largest_magnitude(&values[b], 32));
        for (int64_t i = b; i < b + 32; ++i)
          rounded[i] = e2m1_to_float(float_to_e2m1(values[i] / s)) * s;
      }
      EXPECT_TRUE(same_bits(decode(layout, encode(layout, values)), rounded));
      const std::vector<std::byte> row = encode(layout, rounded);
      EXPECT_TRUE(same_bits(decode(layout, row), rounded));
      EXPECT_EQ(encode(layout, decode(layout, row)), row);
    }
}

TEST(RowCodec, NanStaysVisible) {
  std::vector<float> values(128, 1.0F);
  values[5] = std::numeric_limits<float>::quiet_NaN();
  const RowLayout fp8{RowFormat::fp8, 128, 64};
  EXPECT_TRUE(std::isnan(decode(fp8, encode(fp8, values))[5]));
  const RowLayout fp4{RowFormat::fp4, 128, 64};
  EXPECT_TRUE(std::isnan(decode(fp4, encode(fp4, values))[5]));
}

}  // namespace
}  // namespace hadal
