#include "kernels/linear/weight_scales.h"

#include <cstring>

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

}  // namespace hadal
