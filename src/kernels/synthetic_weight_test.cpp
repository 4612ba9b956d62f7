#include "kernels/synthetic_weight.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>
#include <vector>

#include "kernels/codecs/dequantize.h"
#include "kernels/linear/linear_cases.h"

namespace hadal {
namespace {

std::vector<WeightView> every_format() {
  using enum WeightFormat;
  std::vector<WeightView> views = {
      float_weight(f32, 130, 384),
      float_weight(bf16, 130, 384),
      float_weight(f16, 130, 384),
      scaled_weight(fp8_block, 130, 384),
      scaled_weight(fp8_block, 130, 384, ScaleFormat::f32),
      scaled_weight(mxfp4, 130, 384),
      scaled_weight(mxfp8, 130, 384)};
  for (int bits : {2, 3, 4, 5, 6, 8})
    views.push_back(affine_weight(bits, 64, 130, 384));
  return views;
}

TEST(SyntheticWeight, IsFiniteAndOfTheSizeAskedFor) {
  int which = 0;
  for (const WeightView& like : every_format()) {
    SCOPED_TRACE("format " + std::to_string(which++));
    std::vector<std::byte> memory(static_cast<size_t>(layout_bytes(like)));
    const WeightView view = lay_out_weight(like, memory.data());
    fill_weight(view, 7, 0.05);
    std::vector<float> row(static_cast<size_t>(view.cols));
    double squares = 0;
    int64_t negative = 0;
    for (int64_t r = 0; r < view.rows; ++r) {
      dequantize_row(view, r, row.data());
      for (const float value : row) {
        ASSERT_TRUE(std::isfinite(value));
        squares += static_cast<double>(value) * value;
        negative += value < 0 ? 1 : 0;
      }
    }
    const double count = static_cast<double>(view.rows * view.cols);
    const double size = std::sqrt(squares / count);
    EXPECT_GT(size, 0.025);
    EXPECT_LT(size, 0.1);
    EXPECT_GT(static_cast<double>(negative), 0.4 * count);
    EXPECT_LT(static_cast<double>(negative), 0.6 * count);
  }
}

TEST(SyntheticWeight, CountsItsBytes) {
  // 130 rows of 384 codes, 2 block rows of 3 scales.
  EXPECT_EQ(
      stored_bytes(scaled_weight(WeightFormat::fp8_block, 130, 384)),
      130 * 384 + 2 * 3);
  EXPECT_EQ(
      stored_bytes(scaled_weight(WeightFormat::mxfp4, 130, 384)),
      130 * (192 + 12));
  EXPECT_EQ(
      stored_bytes(affine_weight(4, 64, 130, 384)), 130 * (192 + 2 * 6 * 2));
  EXPECT_EQ(
      stored_bytes(float_weight(WeightFormat::bf16, 130, 384)), 130 * 768);
}

TEST(SyntheticWeight, SeedsDecide) {
  const WeightView like = scaled_weight(WeightFormat::mxfp4, 8, 64);
  const size_t bytes = static_cast<size_t>(layout_bytes(like));
  std::vector<std::byte> first(bytes);
  std::vector<std::byte> second(bytes);
  fill_weight(lay_out_weight(like, first.data()), 1, 1);
  fill_weight(lay_out_weight(like, second.data()), 1, 1);
  EXPECT_EQ(first, second);
  fill_weight(lay_out_weight(like, second.data()), 2, 1);
  EXPECT_NE(first, second);
}

}  // namespace
}  // namespace hadal
