#include "kernels/linear/weight_scales.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/codecs/affine.h"
#include "kernels/codecs/number_formats.h"

namespace hadal {
namespace {

float load_number(ScaleFormat format, const std::byte* from, int64_t index) {
  if (format == ScaleFormat::e8m0)
    return e8m0_to_float(static_cast<uint8_t>(from[index]));
  if (format == ScaleFormat::f32) {
    float value;
    std::memcpy(&value, from + 4 * index, 4);
    return value;
  }
  uint16_t half;
  std::memcpy(&half, from + 2 * index, 2);
  return format == ScaleFormat::bf16 ? bf16_to_float(half) : f16_to_float(half);
}

// Half of every E8M0 value.
std::array<float, 256> make_half_scales() {
  std::array<float, 256> table;
  for (int code = 0; code < 256; ++code)
    table[code] = e8m0_to_float(static_cast<uint8_t>(code)) / 2;
  return table;
}

}  // namespace

float weight_scale(const WeightView& view, int64_t row, int64_t col) {
  if (view.format == WeightFormat::fp8_block)
    return load_number(
        view.scale_format,
        view.scales + row / 128 * view.scale_stride,
        col / 128);
  const int64_t width = view.format == WeightFormat::affine ? view.group : 32;
  return load_number(
      view.scale_format, view.scales + row * view.scale_stride, col / width);
}

float weight_bias(const WeightView& view, int64_t row, int64_t col) {
  return load_number(
      view.scale_format,
      view.biases + row * view.scale_stride,
      col / view.group);
}

void fill_scale_table(
    const WeightView& view,
    int64_t first,
    int64_t rows_end,
    int64_t lanes,
    float* scales,
    float* biases) {
  static const std::array<float, 256> half_scales = make_half_scales();
  const int64_t blocks = (view.cols + 31) / 32;
  for (int64_t i = 0; i < lanes; ++i) {
    const int64_t row = std::min(first + i, rows_end - 1);
    if (view.format == WeightFormat::mxfp4) {
      const std::byte* from = view.scales + row * view.scale_stride;
      for (int64_t b = 0; b < blocks; ++b)
        scales[b * lanes + i] = half_scales[static_cast<uint8_t>(from[b])];
      continue;
    }
    const int64_t step = view.group / 32;
    for (int64_t b = 0; b < blocks; b += step) {
      const float scale = weight_scale(view, row, b * 32);
      const float bias = weight_bias(view, row, b * 32);
      for (int64_t j = b; j < std::min(blocks, b + step); ++j) {
        scales[j * lanes + i] = scale;
        biases[j * lanes + i] = bias;
      }
    }
  }
}

void unpack_split_row(const WeightView& view, int64_t row, uint8_t* codes) {
  const std::byte* data = view.data + row * view.row_bytes;
  uint8_t group[128];
  for (int64_t k = 0; k < view.cols; k += 128, codes += 128) {
    const int64_t count = std::min<int64_t>(128, view.cols - k);
    std::memset(group, 0, sizeof(group));
    unpack_affine(view.bits, data, k, count, group);
    for (int64_t i = 0; i < 64; ++i) {
      codes[i] = group[2 * i];
      codes[64 + i] = group[2 * i + 1];
    }
  }
}

}  // namespace hadal
