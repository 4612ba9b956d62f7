#include "kernels/codecs/decode_row.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "kernels/case_targets.h"
#include "kernels/codecs/dequantize.h"

namespace hadal {
namespace {

// Every byte pattern that is a number, in rows of `cols`.
struct Source {
  std::vector<std::byte> data;
  std::vector<std::byte> scales;
  WeightView view;
};

Source random_source(WeightFormat format, ScaleFormat scale, int64_t cols) {
  constexpr int64_t kRows = 130;
  Source source;
  std::mt19937 random(7);
  source.data.resize(static_cast<size_t>(kRows * cols * 2));
  for (std::byte& byte : source.data) {
    const auto value = static_cast<uint8_t>(random());
    byte = static_cast<std::byte>((value & 0x7F) == 0x7F ? 0x3F : value);
  }
  source.scales.resize(static_cast<size_t>(kRows * cols));
  for (size_t i = 0; i + 4 <= source.scales.size(); i += 4) {
    const float value = 0.01F * static_cast<float>(random() % 100 + 1);
    if (scale == ScaleFormat::f32)
      std::memcpy(source.scales.data() + i, &value, 4);
    else
      for (size_t j = i; j < i + 4; ++j)
        source.scales[j] = static_cast<std::byte>(random() % 140);
  }
  WeightView& view = source.view;
  view.format = format;
  view.scale_format = scale;
  view.rows = kRows;
  view.cols = cols;
  view.row_bytes = format == WeightFormat::bf16    ? cols * 2
                   : format == WeightFormat::mxfp4 ? cols / 2
                                                   : cols;
  view.scale_stride =
      format == WeightFormat::fp8_block
          ? (cols + 127) / 128 * (scale == ScaleFormat::f32 ? 4 : 1)
          : cols / 32;
  view.data = source.data.data();
  view.scales = source.scales.data();
  return source;
}

TEST(DecodeRow, TheBitsOfDequantizeRow) {
  struct Case {
    WeightFormat format;
    ScaleFormat scale;
  };
  for (const Case& kind :
       {Case{WeightFormat::bf16, ScaleFormat::none},
        Case{WeightFormat::fp8_block, ScaleFormat::e8m0},
        Case{WeightFormat::fp8_block, ScaleFormat::f32},
        Case{WeightFormat::mxfp8, ScaleFormat::e8m0},
        Case{WeightFormat::mxfp4, ScaleFormat::e8m0}})
    for (const int64_t cols : {32, 96, 160, 512}) {
      const Source source = random_source(kind.format, kind.scale, cols);
      std::vector<float> expected(static_cast<size_t>(cols));
      std::vector<float> found(expected.size());
      for_each_target([&](const char* target) {
        for (int64_t row = 0; row < source.view.rows; ++row) {
          dequantize_row(source.view, row, expected.data());
          decode_weight_row(source.view, row, found.data());
          ASSERT_EQ(
              std::memcmp(expected.data(), found.data(), expected.size() * 4),
              0)
              << target << ", row " << row;
        }
      });
    }
}

}  // namespace
}  // namespace hadal
