#include "kernels/codecs/mx_encode.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "kernels/codecs/dequantize.h"
#include "kernels/codecs/number_formats.h"

namespace hadal {
namespace {

using Bytes = std::vector<std::byte>;

TEST(MxEncode, ScaleIsTheSmallestThatClipsNothing) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> exponent(-100, 100);
  for (int i = 0; i < 20000; ++i) {
    // A bfloat16, as weights are: the rule is exact for these.
    const float amax =
        bf16_to_float(float_to_bf16(std::exp2(exponent(random))));
    for (const float largest : {6.0F, 448.0F}) {
      const float scale = e8m0_to_float(mx_scale_code(amax, largest));
      ASSERT_LE(amax, largest * scale);
      ASSERT_GT(amax, largest * (scale / 2));
    }
  }
}

TEST(MxEncode, EdgesOfTheScale) {
  EXPECT_EQ(mx_scale_code(0, 6), 127);
  EXPECT_EQ(mx_scale_code(6, 6), 127);
  EXPECT_EQ(mx_scale_code(448, 448), 127);
  EXPECT_EQ(mx_scale_code(std::nextafter(12.0F, 20.0F), 6), 129);
  EXPECT_LE(mx_scale_code(1e-42F, 6), 1);  // subnormal
  EXPECT_LT(mx_scale_code(3e38F, 6), 255);
}

// All codes but the negative zeros, at a scale.
std::vector<float> fp4_values(float scale) {
  std::vector<float> row;
  for (int i = 0; i < 32; ++i)
    row.push_back(e2m1_to_float(static_cast<uint8_t>(i % 16)) * scale);
  return row;
}

WeightView view_of(
    WeightFormat format,
    int64_t rows,
    int64_t cols,
    const Bytes& codes,
    const Bytes& scales) {
  WeightView view;
  view.format = format;
  view.scale_format = ScaleFormat::e8m0;
  view.rows = rows;
  view.cols = cols;
  view.row_bytes = static_cast<int64_t>(codes.size()) / rows;
  view.scale_stride = format == WeightFormat::fp8_block
                          ? (cols + kFp8Block - 1) / kFp8Block
                          : cols / kMxGroup;
  view.data = codes.data();
  view.scales = scales.data();
  return view;
}

TEST(MxEncode, Fp4ValuesComeBackInBothFormats) {
  for (const float scale : {0.25F, 1.0F, 0x1p-30F, 0x1p60F}) {
    const std::vector<float> row = fp4_values(scale);
    std::vector<float> back(32);
    Bytes codes(16);
    Bytes scales(1);
    encode_mxfp4_row(row.data(), 32, codes.data(), scales.data());
    widen(view_of(WeightFormat::mxfp4, 1, 32, codes, scales), back.data());
    EXPECT_EQ(back, row);
    codes.resize(32);
    encode_mxfp8_row(row.data(), 32, codes.data(), scales.data());
    widen(view_of(WeightFormat::mxfp8, 1, 32, codes, scales), back.data());
    EXPECT_EQ(back, row);
  }
}

TEST(MxEncode, EveryValueIsWithinHalfAStep) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  std::vector<float> row(256);
  for (float& value : row)
    value = normal(random);
  std::vector<float> back(row.size());
  Bytes codes(128);
  Bytes scales(8);
  encode_mxfp4_row(row.data(), 256, codes.data(), scales.data());
  widen(view_of(WeightFormat::mxfp4, 1, 256, codes, scales), back.data());
  for (size_t i = 0; i < row.size(); ++i) {
    const float scale =
        e8m0_to_float(static_cast<uint8_t>(scales[i / kMxGroup]));
    // Steps of 2 between 4 and 6: nothing is further away than 1.
    EXPECT_LE(std::abs(row[i] - back[i]), scale) << i;
  }
  codes.resize(256);
  encode_mxfp8_row(row.data(), 256, codes.data(), scales.data());
  widen(view_of(WeightFormat::mxfp8, 1, 256, codes, scales), back.data());
  for (size_t i = 0; i < row.size(); ++i)
    EXPECT_LE(std::abs(row[i] - back[i]), std::abs(row[i]) / 16 + 1e-4F) << i;
}

TEST(MxEncode, Fp8BlocksOfOddSizes) {
  // Two blocks a row, the second of 37 columns; 3 rows.
  constexpr int64_t kRows = 3;
  constexpr int64_t kCols = 128 + 37;
  std::vector<float> values(kRows * kCols);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = std::ldexp(static_cast<float>(i % 15) - 7, i % kCols < 128);
  Bytes codes(values.size());
  Bytes scales(2);
  encode_fp8_block_row(
      values.data(), kRows, kCols, codes.data(), scales.data());
  EXPECT_EQ(static_cast<int>(scales[0]), 127 + 1 - 6);  // 14 -> 448 / 32
  std::vector<float> back(values.size());
  widen(
      view_of(WeightFormat::fp8_block, kRows, kCols, codes, scales),
      back.data());
  EXPECT_EQ(back, values);
}

}  // namespace
}  // namespace hadal
