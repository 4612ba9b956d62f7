#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/codecs/decode_row.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/highway.h"

#include "kernels/codecs/decode_row.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/simd/lanes16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

HWY_INLINE float power_of(std::byte code) {
  const uint32_t exponent = static_cast<uint32_t>(code);
  const uint32_t bits = exponent == 0     ? 0x00400000
                        : exponent == 255 ? 0x7FC00000
                                          : exponent << 23;
  float scale;
  __builtin_memcpy(&scale, &bits, sizeof(scale));
  return scale;
}

void decode_bf16(const std::byte* data, int64_t cols, float* out) {
  for (int64_t i = 0; i < cols; i += 16)
    store16(load16_bf16(data + 2 * i), out + i);
}

// `columns` codes share a scale.
void decode_e4m3(
    const std::byte* data,
    const std::byte* scales,
    bool float_scales,
    int64_t columns,
    int64_t cols,
    float* out) {
  const uint8_t* codes = reinterpret_cast<const uint8_t*>(data);
  for (int64_t at = 0; at < cols; at += columns) {
    const int64_t end = at + columns < cols ? at + columns : cols;
    float scale = 0;
    if (float_scales)
      __builtin_memcpy(&scale, scales + at / columns * 4, 4);
    else
      scale = power_of(scales[at / columns]);
    const Lanes16 factor = set16(scale);
    for (int64_t i = at; i < end; i += 16)
      store16(mul16(load16_e4m3(codes + i), factor), out + i);
  }
}

void decode_e2m1(
    const std::byte* data, const std::byte* scales, int64_t cols, float* out) {
  static constexpr float kValues[16] = {
      0, 0.5F, 1, 1.5F, 2, 3, 4, 6, -0.0F, -0.5F, -1, -1.5F, -2, -3, -4, -6};
  for (int64_t at = 0; at < cols; at += 32) {
    const float scale = power_of(scales[at / 32]);
    float values[16];
    for (int code = 0; code < 16; ++code)
      values[code] = kValues[code] * scale;
    for (int64_t i = at; i < at + 32; i += 2) {
      const uint8_t pair = static_cast<uint8_t>(data[i / 2]);
      out[i] = values[pair & 15];
      out[i + 1] = values[pair >> 4];
    }
  }
}

// False when the row is none of the kinds above.
bool decode_row(const WeightView& view, int64_t row, float* out) {
  if (view.cols % 32 != 0)
    return false;
  const std::byte* data = view.data + row * view.row_bytes;
  switch (view.format) {
    case WeightFormat::bf16:
      decode_bf16(data, view.cols, out);
      return true;
    case WeightFormat::fp8_block:
      decode_e4m3(
          data,
          view.scales + row / 128 * view.scale_stride,
          view.scale_format == ScaleFormat::f32,
          128,
          view.cols,
          out);
      return true;
    case WeightFormat::mxfp8:
      decode_e4m3(
          data,
          view.scales + row * view.scale_stride,
          false,
          32,
          view.cols,
          out);
      return true;
    case WeightFormat::mxfp4:
      decode_e2m1(data, view.scales + row * view.scale_stride, view.cols, out);
      return true;
    default:
      return false;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {
HWY_EXPORT(decode_row);

void decode_weight_row(const WeightView& view, int64_t row, float* out) {
  if (!HWY_DYNAMIC_DISPATCH(decode_row)(view, row, out))
    dequantize_row(view, row, out);
}

}  // namespace hadal
#endif
