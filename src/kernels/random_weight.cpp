#include "kernels/random_weight.h"

#include <cmath>
#include <cstring>

#include "base/check.h"
#include "kernels/codecs/number_formats.h"

namespace hadal {
namespace {

void put_number(ScaleFormat format, float value, std::byte* to) {
  if (format == ScaleFormat::e8m0) {
    const float power = std::ldexp(1.0F, std::ilogb(value));
    *to = static_cast<std::byte>(float_to_e8m0(power));
    return;
  }
  if (format == ScaleFormat::f32) {
    std::memcpy(to, &value, 4);
    return;
  }
  const uint16_t half =
      format == ScaleFormat::bf16 ? float_to_bf16(value) : float_to_f16(value);
  std::memcpy(to, &half, 2);
}

int64_t bytes_per_row(const WeightView& like) {
  switch (like.format) {
    case WeightFormat::f32:
      return like.cols * 4;
    case WeightFormat::bf16:
    case WeightFormat::f16:
      return like.cols * 2;
    case WeightFormat::fp8_block:
    case WeightFormat::mxfp8:
      return like.cols;
    case WeightFormat::mxfp4:
      return like.cols / 2;
    case WeightFormat::affine:
      return like.cols * like.bits / 8;
  }
  return 0;
}

// The largest code of a format times its usual scale is about 2.
float usual_scale(const WeightView& like) {
  switch (like.format) {
    case WeightFormat::fp8_block:
    case WeightFormat::mxfp8:
      return 1.0F / 128;
    case WeightFormat::mxfp4:
      return 0.5F;
    case WeightFormat::affine:
      return 4.0F / static_cast<float>(1 << like.bits);
    default:
      return 1;
  }
}

}  // namespace

uint64_t RandomNumbers::bits() {
  // splitmix64
  state_ += 0x9E3779B97F4A7C15;
  uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

float RandomNumbers::normal() {
  // The sum of four uniform numbers is close enough to normal here.
  const uint64_t word = bits();
  float sum = 0;
  for (int i = 0; i < 4; ++i)
    sum += static_cast<float>((word >> (16 * i)) & 0xFFFF) / 65536.0F - 0.5F;
  return sum * 1.7320508F;
}

std::vector<float> random_values(int64_t count, uint64_t seed, float size) {
  RandomNumbers random(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values)
    value = random.normal() * size;
  return values;
}

RandomWeight::RandomWeight(const WeightView& like, uint64_t seed)
    : view_(like) {
  RandomNumbers random(seed);
  view_.row_bytes = bytes_per_row(like);
  data_.resize(static_cast<size_t>(like.rows * view_.row_bytes));
  for (size_t i = 0; i < data_.size(); ++i)
    data_[i] = static_cast<std::byte>(random.bits() >> 24);
  if (like.format == WeightFormat::f32 || like.format == WeightFormat::bf16 ||
      like.format == WeightFormat::f16) {
    const ScaleFormat number =
        like.format == WeightFormat::f32    ? ScaleFormat::f32
        : like.format == WeightFormat::bf16 ? ScaleFormat::bf16
                                            : ScaleFormat::f16;
    const int64_t size = bytes_per_scale(number);
    for (int64_t i = 0; i < like.rows * like.cols; ++i)
      put_number(number, random.normal(), data_.data() + i * size);
  }
  if (like.format == WeightFormat::fp8_block ||
      like.format == WeightFormat::mxfp8)
    for (std::byte& code : data_)
      if ((code & std::byte{0x7F}) == std::byte{0x7F})
        code = std::byte{0x30};
  const int64_t width = columns_per_scale(like);
  if (width > 0) {
    const int64_t size = bytes_per_scale(like.scale_format);
    HADAL_CHECK(size > 0);
    const bool blocks = like.format == WeightFormat::fp8_block;
    const int64_t rows = blocks ? (like.rows + 127) / 128 : like.rows;
    view_.scale_stride = (like.cols + width - 1) / width * size;
    scales_.resize(static_cast<size_t>(rows * view_.scale_stride));
    biases_.resize(like.format == WeightFormat::affine ? scales_.size() : 0);
    for (size_t i = 0; i < scales_.size(); i += static_cast<size_t>(size)) {
      const float factor =
          0.5F + static_cast<float>(random.bits() % 1024) / 512;
      put_number(
          like.scale_format, factor * usual_scale(like), scales_.data() + i);
      if (!biases_.empty())
        put_number(
            like.scale_format, random.normal() * 0.3F - 2, biases_.data() + i);
    }
  }
  view_.data = data_.data();
  view_.scales = scales_.empty() ? nullptr : scales_.data();
  view_.biases = biases_.empty() ? nullptr : biases_.data();
}

}  // namespace hadal
