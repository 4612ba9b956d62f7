#include "kernels/codecs/affine_group.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "base/check.h"
#include "kernels/codecs/number_formats.h"

namespace hadal {

AffinePair plain_affine_pair(float low, float high, float top) {
  constexpr float kLeastScale = 1e-7F;
  const bool from_low = std::abs(low) > std::abs(high);
  float scale = (high - low) / top;
  scale = scale > kLeastScale ? scale : kLeastScale;
  if (!from_low)
    scale = -scale;
  const float edge = from_low ? low : high;
  const float steps = std::rint(edge / scale);
  if (steps == 0)
    return {scale, 0};
  return {edge / steps, edge};
}

float stored_scale(ScaleFormat format, float value) {
  switch (format) {
    case ScaleFormat::bf16:
      return bf16_to_float(float_to_bf16(value));
    case ScaleFormat::f16:
      return f16_to_float(float_to_f16(value));
    default:
      return value;
  }
}

float neighbour_scale(ScaleFormat format, float stored, int step) {
  if (step == 0 || stored == 0)
    return stored;
  float next = stored;
  switch (format) {
    case ScaleFormat::bf16:
      next = bf16_to_float(static_cast<uint16_t>(float_to_bf16(stored) + step));
      break;
    case ScaleFormat::f16:
      next = f16_to_float(static_cast<uint16_t>(float_to_f16(stored) + step));
      break;
    default:
      next = std::bit_cast<float>(static_cast<uint32_t>(
          static_cast<int64_t>(std::bit_cast<uint32_t>(stored)) + step));
      break;
  }
  return std::isfinite(next) ? next : stored;
}

void store_scale(
    ScaleFormat format, float value, std::byte* array, int64_t index) {
  switch (format) {
    case ScaleFormat::bf16: {
      const uint16_t bits = float_to_bf16(value);
      std::memcpy(array + 2 * index, &bits, 2);
      return;
    }
    case ScaleFormat::f16: {
      const uint16_t bits = float_to_f16(value);
      std::memcpy(array + 2 * index, &bits, 2);
      return;
    }
    default:
      std::memcpy(array + 4 * index, &value, 4);
      return;
  }
}

SearchRanges search_ranges(float top) {
  if (top <= 3)
    return {1.0F, 0.06F, 11, 6, 0.12F};
  if (top <= 7)
    return {1.04F, 0.05F, 10, 4, 0.12F};
  if (top <= 15)
    return {1.06F, 0.04F, 10, 4, 0.12F};
  if (top <= 63)
    return {1.04F, 0.03F, 6, 0, 0};
  return {1.01F, 0.01F, 3, 0, 0};
}

void check_affine_format(const AffineFormat& format, int64_t cols) {
  HADAL_CHECK(is_affine_bits(format.bits));
  HADAL_CHECK(format.group == 32 || format.group == 64 || format.group == 128);
  HADAL_CHECK(
      format.scale_format == ScaleFormat::f32 ||
      format.scale_format == ScaleFormat::bf16 ||
      format.scale_format == ScaleFormat::f16);
  HADAL_CHECK(cols % format.group == 0);
}

}  // namespace hadal
