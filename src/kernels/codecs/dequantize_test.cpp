// Each weight format over all its codes and scale formats, with ragged edges,
// against formulas written out beside the test.
#include "kernels/codecs/dequantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "hadal/error.h"
#include "kernels/codecs/affine.h"
#include "kernels/codecs/number_formats.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

std::vector<float> row_of(const WeightView& view, int64_t row) {
  std::vector<float> values(static_cast<size_t>(view.cols));
  dequantize_row(view, row, values.data());
  return values;
}

TEST(Dequantize, PlainNumbers) {
  const std::vector<float> f32 = {1, -2, 3.5F, 0.1F};
  WeightView view{
      .format = WeightFormat::f32, .rows = 2, .cols = 2, .row_bytes = 8};
  view.data = reinterpret_cast<const std::byte*>(f32.data());
  EXPECT_EQ(row_of(view, 1), (std::vector<float>{3.5F, 0.1F}));

  const std::vector<uint16_t> half = {0x3F80, 0xC000, 0x3C00, 0xC000};
  view.data = reinterpret_cast<const std::byte*>(half.data());
  view.row_bytes = 4;
  view.format = WeightFormat::bf16;
  EXPECT_EQ(row_of(view, 0), (std::vector<float>{1, -2}));
  view.format = WeightFormat::f16;
  EXPECT_EQ(row_of(view, 1), (std::vector<float>{1, -2}));
}

// 300 x 200: 3 x 2 blocks, the last of each ragged.
TEST(Dequantize, Fp8BlocksWithRaggedEdges) {
  for (ScaleFormat scale_format : {ScaleFormat::e8m0, ScaleFormat::f32}) {
    std::vector<uint8_t> codes(300 * 200);
    for (size_t i = 0; i < codes.size(); ++i)
      codes[i] = static_cast<uint8_t>(i % 254 >= 127 ? i % 254 + 1 : i % 254);
    const std::vector<uint8_t> exponents = {120, 121, 122, 123, 124, 125};
    const std::vector<float> floats = {0.1F, 0.2F, 0.3F, 0.4F, 0.5F, 0.6F};
    const bool e8m0 = scale_format == ScaleFormat::e8m0;
    WeightView view{
        .format = WeightFormat::fp8_block,
        .scale_format = scale_format,
        .rows = 300,
        .cols = 200,
        .row_bytes = 200,
        .scale_stride = e8m0 ? 2 : 8,
        .data = reinterpret_cast<const std::byte*>(codes.data()),
        .scales = e8m0 ? reinterpret_cast<const std::byte*>(exponents.data())
                       : reinterpret_cast<const std::byte*>(floats.data())};
    for (int64_t r : {0, 127, 128, 255, 256, 299}) {
      const std::vector<float> values = row_of(view, r);
      for (int64_t k = 0; k < 200; ++k) {
        const int64_t block = r / 128 * 2 + k / 128;
        const float scale =
            e8m0 ? std::ldexp(1.0F, exponents[block] - 127) : floats[block];
        ASSERT_EQ(values[k], e4m3_to_float(codes[r * 200 + k]) * scale);
      }
    }
    const WeightView tail = row_slice(view, 256, 44);
    EXPECT_EQ(row_of(tail, 43), row_of(view, 299));
    EXPECT_THROW(row_slice(view, 64, 10), Error);
    EXPECT_THROW(row_slice(view, 256, 45), Error);
  }
}

// All 16 x 256 (code, scale) pairs; low nibble is the even column.
TEST(Dequantize, Mxfp4AllCodesAndScales) {
  std::vector<uint8_t> codes(256 * 16);
  std::vector<uint8_t> scales(256);
  for (int s = 0; s < 256; ++s) {
    scales[s] = static_cast<uint8_t>(s);
    for (int i = 0; i < 16; ++i)
      codes[s * 16 + i] =
          static_cast<uint8_t>((2 * i + 1) % 16 << 4 | 2 * i % 16);
  }
  const WeightView view{
      .format = WeightFormat::mxfp4,
      .scale_format = ScaleFormat::e8m0,
      .rows = 2,
      .cols = 128 * 32,
      .row_bytes = 128 * 16,
      .scale_stride = 128,
      .data = reinterpret_cast<const std::byte*>(codes.data()),
      .scales = reinterpret_cast<const std::byte*>(scales.data())};
  for (int s = 0; s < 256; ++s) {
    const std::vector<float> values = row_of(view, s / 128);
    for (int i = 0; i < 32; ++i) {
      const float value = values[s % 128 * 32 + i];
      if (s == 255)
        EXPECT_TRUE(std::isnan(value));
      else
        EXPECT_EQ(
            value,
            e2m1_to_float(static_cast<uint8_t>(i % 16)) *
                static_cast<float>(std::ldexp(1.0, s - 127)));
    }
  }
  EXPECT_EQ(row_of(row_slice(view, 1, 1), 0)[5], row_of(view, 1)[5]);
}

TEST(Dequantize, Mxfp8AllCodes) {
  std::vector<uint8_t> codes(256);
  for (int i = 0; i < 256; ++i)
    codes[i] = static_cast<uint8_t>(i);
  const std::vector<uint8_t> scales = {127, 128, 120, 1, 254, 0, 130, 127};
  const WeightView view{
      .format = WeightFormat::mxfp8,
      .scale_format = ScaleFormat::e8m0,
      .rows = 1,
      .cols = 256,
      .row_bytes = 256,
      .scale_stride = 8,
      .data = reinterpret_cast<const std::byte*>(codes.data()),
      .scales = reinterpret_cast<const std::byte*>(scales.data())};
  const std::vector<float> values = row_of(view, 0);
  for (int i = 0; i < 256; ++i) {
    if ((i & 0x7F) == 0x7F)
      EXPECT_TRUE(std::isnan(values[i]));
    else
      EXPECT_EQ(
          values[i],
          e4m3_to_float(codes[i]) *
              static_cast<float>(std::ldexp(1.0, scales[i / 32] - 127)));
  }
}

TEST(Dequantize, AffineEveryWidthGroupAndScale) {
  for (int bits : {2, 3, 4, 5, 6, 8})
    for (int group : {32, 64, 128})
      for (ScaleFormat format :
           {ScaleFormat::f32, ScaleFormat::bf16, ScaleFormat::f16}) {
        const RandomWeight weight(
            {.format = WeightFormat::affine,
             .scale_format = format,
             .bits = static_cast<uint8_t>(bits),
             .group = static_cast<uint16_t>(group),
             .rows = 5,
             .cols = 384},
            7);
        const WeightView& view = weight.view();
        for (int64_t r = 0; r < view.rows; ++r) {
          const std::vector<float> values = row_of(view, r);
          std::vector<uint8_t> codes(384);
          unpack_affine(
              bits, view.data + r * view.row_bytes, 0, 384, codes.data());
          for (int64_t k = 0; k < 384; ++k) {
            const auto number = [&](const std::byte* from) {
              from += r * view.scale_stride;
              float f32;
              uint16_t half;
              if (format == ScaleFormat::f32) {
                std::memcpy(&f32, from + k / group * 4, 4);
                return f32;
              }
              std::memcpy(&half, from + k / group * 2, 2);
              return format == ScaleFormat::bf16 ? bf16_to_float(half)
                                                 : f16_to_float(half);
            };
            ASSERT_EQ(
                values[k],
                std::fma(
                    number(view.scales),
                    static_cast<float>(codes[k]),
                    number(view.biases)));
          }
        }
        std::vector<float> part(64);
        dequantize_columns(view, 3, 128, 50, part.data());
        EXPECT_EQ(part[49], row_of(view, 3)[177]);
        EXPECT_EQ(row_of(row_slice(view, 2, 3), 1), row_of(view, 3));
      }
}

TEST(Dequantize, WidenIsAllRows) {
  const RandomWeight weight(
      {.format = WeightFormat::mxfp4,
       .scale_format = ScaleFormat::e8m0,
       .rows = 7,
       .cols = 64},
      1);
  std::vector<float> all(7 * 64);
  widen(weight.view(), all.data());
  for (int64_t r = 0; r < 7; ++r)
    EXPECT_EQ(
        row_of(weight.view(), r),
        std::vector<float>(all.begin() + r * 64, all.begin() + (r + 1) * 64));
}

TEST(Dequantize, RefusesFormatsThatDoNotFit) {
  RandomWeight weight(
      {.format = WeightFormat::mxfp4,
       .scale_format = ScaleFormat::e8m0,
       .rows = 1,
       .cols = 64},
      1);
  WeightView view = weight.view();
  view.scale_format = ScaleFormat::f32;
  EXPECT_THROW(row_of(view, 0), Error);
  view.format = WeightFormat::affine;
  view.bits = 7;
  EXPECT_THROW(row_of(view, 0), Error);
}

}  // namespace
}  // namespace hadal
