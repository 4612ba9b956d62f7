// Scales and numbers are read with memcpy: a mapped file aligns nothing.
#include "kernels/codecs/dequantize.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "kernels/codecs/affine.h"
#include "kernels/codecs/number_formats.h"

namespace hadal {
namespace {

template <class T>
T load(const std::byte* from, int64_t index) {
  T value;
  std::memcpy(
      &value, from + index * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

float load_scale(ScaleFormat format, const std::byte* from, int64_t index) {
  switch (format) {
    case ScaleFormat::e8m0:
      return e8m0_to_float(static_cast<uint8_t>(from[index]));
    case ScaleFormat::f32:
      return load<float>(from, index);
    case ScaleFormat::bf16:
      return bf16_to_float(load<uint16_t>(from, index));
    case ScaleFormat::f16:
      return f16_to_float(load<uint16_t>(from, index));
    case ScaleFormat::none:
      break;
  }
  HADAL_CHECK(format != ScaleFormat::none);
  return 0;
}

void check_formats(const WeightView& view) {
  const ScaleFormat scale = view.scale_format;
  switch (view.format) {
    case WeightFormat::f32:
    case WeightFormat::bf16:
    case WeightFormat::f16:
      break;
    case WeightFormat::fp8_block:
      HADAL_CHECK(scale == ScaleFormat::e8m0 || scale == ScaleFormat::f32);
      break;
    case WeightFormat::mxfp4:
    case WeightFormat::mxfp8:
      HADAL_CHECK(scale == ScaleFormat::e8m0);
      break;
    case WeightFormat::affine:
      HADAL_CHECK(
          scale == ScaleFormat::f32 || scale == ScaleFormat::bf16 ||
          scale == ScaleFormat::f16);
      HADAL_CHECK(is_affine_bits(view.bits));
      HADAL_CHECK(view.group == 32 || view.group == 64 || view.group == 128);
      HADAL_CHECK(view.biases != nullptr);
      break;
  }
}

void dequantize_affine(
    const WeightView& view,
    int64_t row,
    int64_t first,
    int64_t count,
    float* out) {
  const std::byte* data = view.data + row * view.row_bytes;
  const std::byte* scales = view.scales + row * view.scale_stride;
  const std::byte* biases = view.biases + row * view.scale_stride;
  uint8_t codes[32];
  for (int64_t k = first; k < first + count; k += 32) {
    const int64_t here = std::min<int64_t>(32, first + count - k);
    unpack_affine(view.bits, data, k, here, codes);
    const float scale = load_scale(view.scale_format, scales, k / view.group);
    const float bias = load_scale(view.scale_format, biases, k / view.group);
    for (int64_t i = 0; i < here; ++i)
      out[k - first + i] = std::fma(scale, static_cast<float>(codes[i]), bias);
  }
}

}  // namespace

void dequantize_columns(
    const WeightView& view,
    int64_t row,
    int64_t first,
    int64_t count,
    float* out) {
  HADAL_CHECK(first % 32 == 0);
  check_formats(view);
  const std::byte* data = view.data + row * view.row_bytes;
  const int64_t end = first + count;
  switch (view.format) {
    case WeightFormat::f32:
      std::memcpy(out, data + first * 4, static_cast<size_t>(count) * 4);
      break;
    case WeightFormat::bf16:
      for (int64_t k = first; k < end; ++k)
        out[k - first] = bf16_to_float(load<uint16_t>(data, k));
      break;
    case WeightFormat::f16:
      for (int64_t k = first; k < end; ++k)
        out[k - first] = f16_to_float(load<uint16_t>(data, k));
      break;
    case WeightFormat::fp8_block:
      for (int64_t k = first; k < end; ++k)
        out[k - first] = e4m3_to_float(static_cast<uint8_t>(data[k])) *
                         load_scale(
                             view.scale_format,
                             view.scales + row / 128 * view.scale_stride,
                             k / 128);
      break;
    case WeightFormat::mxfp8:
      for (int64_t k = first; k < end; ++k)
        out[k - first] = e4m3_to_float(static_cast<uint8_t>(data[k])) *
                         load_scale(
                             view.scale_format,
                             view.scales + row * view.scale_stride,
                             k / 32);
      break;
    case WeightFormat::mxfp4:
      for (int64_t k = first; k < end; ++k) {
        const uint8_t pair = static_cast<uint8_t>(data[k / 2]);
        const uint8_t code = (k & 1) != 0 ? pair >> 4 : pair & 15;
        out[k - first] =
            e2m1_to_float(code) * load_scale(
                                      view.scale_format,
                                      view.scales + row * view.scale_stride,
                                      k / 32);
      }
      break;
    case WeightFormat::affine:
      dequantize_affine(view, row, first, count, out);
      break;
  }
}

void dequantize_row(const WeightView& view, int64_t row, float* out) {
  dequantize_columns(view, row, 0, view.cols, out);
}

void widen(const WeightView& view, float* out) {
  for (int64_t row = 0; row < view.rows; ++row)
    dequantize_row(view, row, out + row * view.cols);
}

}  // namespace hadal
