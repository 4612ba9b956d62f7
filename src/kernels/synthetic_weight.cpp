#include "kernels/synthetic_weight.h"

#include <cmath>
#include <cstring>
#include <span>

#include "base/check.h"
#include "kernels/codecs/number_formats.h"
#include "kernels/random_weight.h"

namespace hadal {
namespace {

constexpr int64_t kAlignment = 64;

int64_t aligned(int64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

int64_t scale_rows(const WeightView& like) {
  if (columns_per_scale(like) == 0)
    return 0;
  return like.format == WeightFormat::fp8_block ? (like.rows + 127) / 128
                                                : like.rows;
}

int64_t scales_bytes(const WeightView& like) {
  return scale_rows(like) * weight_scale_stride(like);
}

// The root of the mean square of equally likely codes.
double code_size(const WeightView& view) {
  switch (view.format) {
    case WeightFormat::mxfp4:
      return 2.9;
    case WeightFormat::fp8_block:
    case WeightFormat::mxfp8:
      return 94;
    case WeightFormat::affine:
      return std::ldexp(0.289, view.bits);  // 2^bits / sqrt(12)
    default:
      return 1;
  }
}

// Signs and mantissas at random, exponents of `size` and half of it.
template <class Word>
void fill_floats(
    std::span<std::byte> bytes,
    RandomNumbers& random,
    int mantissa_bits,
    int bias,
    double size) {
  const Word exponent = static_cast<Word>(std::ilogb(size) + bias);
  const Word mantissa = static_cast<Word>((Word{1} << mantissa_bits) - 1);
  const Word sign = static_cast<Word>(Word{1} << (8 * sizeof(Word) - 1));
  size_t at = 0;
  while (at < bytes.size()) {
    uint64_t bits = random.bits();
    const uint64_t lower = bits >> 11;
    for (size_t i = 0; i < 8 / sizeof(Word) && at < bytes.size(); ++i) {
      const Word half = static_cast<Word>(lower >> i & 1);
      const Word word = static_cast<Word>(
          (static_cast<Word>(bits) & (sign | mantissa)) |
          static_cast<Word>((exponent - half) << mantissa_bits));
      std::memcpy(bytes.data() + at, &word, sizeof(Word));
      at += sizeof(Word);
      bits = sizeof(Word) < 8 ? bits >> (8 * (sizeof(Word) % 8)) : bits;
    }
  }
}

// All bytes at random; `without_nan`: 0x7F and 0xFF become 0x6F and 0xEF.
void fill_codes(
    std::span<std::byte> bytes, RandomNumbers& random, bool without_nan) {
  constexpr uint64_t kLow = 0x7F7F7F7F7F7F7F7F;
  constexpr uint64_t kOne = 0x0101010101010101;
  for (size_t at = 0; at < bytes.size(); at += 8) {
    uint64_t word = random.bits();
    if (without_nan)
      word &= ~((((word & kLow) + kOne) & ~kLow) >> 3);
    std::memcpy(
        bytes.data() + at, &word, std::min<size_t>(8, bytes.size() - at));
  }
}

void put_number(ScaleFormat format, double value, std::byte* to) {
  const float number = static_cast<float>(value);
  if (format == ScaleFormat::e8m0) {
    *to = static_cast<std::byte>(
        float_to_e8m0(std::ldexp(1.0F, std::ilogb(number))));
  } else if (format == ScaleFormat::f32) {
    std::memcpy(to, &number, 4);
  } else {
    const uint16_t half = format == ScaleFormat::bf16 ? float_to_bf16(number)
                                                      : float_to_f16(number);
    std::memcpy(to, &half, 2);
  }
}

// Scales in four steps around the right one, each with the bias that centres
// the codes.
void fill_scales(const WeightView& view, RandomNumbers& random, double size) {
  constexpr int kSteps = 4;
  const int64_t bytes = bytes_per_scale(view.scale_format);
  HADAL_CHECK(bytes > 0);
  std::byte scales[kSteps][4];
  std::byte biases[kSteps][4];
  const double middle = std::ldexp(1.0, view.bits - 1) - 0.5;
  for (int i = 0; i < kSteps; ++i) {
    const double scale = size / code_size(view) * (0.75 + 0.25 * i);
    put_number(view.scale_format, scale, scales[i]);
    if (view.format == WeightFormat::affine)
      put_number(view.scale_format, -scale * middle, biases[i]);
  }
  std::byte* const to = const_cast<std::byte*>(view.scales);
  std::byte* const to_bias = const_cast<std::byte*>(view.biases);
  uint64_t bits = 0;
  const int64_t count = scales_bytes(view) / bytes;
  for (int64_t i = 0; i < count; ++i) {
    bits = i % 32 == 0 ? random.bits() : bits >> 2;
    std::memcpy(to + i * bytes, scales[bits & 3], static_cast<size_t>(bytes));
    if (to_bias != nullptr)
      std::memcpy(
          to_bias + i * bytes, biases[bits & 3], static_cast<size_t>(bytes));
  }
}

}  // namespace

int64_t weight_row_bytes(const WeightView& like) {
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

int64_t weight_scale_stride(const WeightView& like) {
  const int64_t width = columns_per_scale(like);
  return width == 0 ? 0
                    : (like.cols + width - 1) / width *
                          bytes_per_scale(like.scale_format);
}

int64_t stored_bytes(const WeightView& view) {
  const int64_t scales = scales_bytes(view);
  return view.rows * weight_row_bytes(view) + scales +
         (view.format == WeightFormat::affine ? scales : 0);
}

int64_t layout_bytes(const WeightView& like) {
  const int64_t scales = aligned(scales_bytes(like));
  return aligned(like.rows * weight_row_bytes(like)) + scales +
         (like.format == WeightFormat::affine ? scales : 0);
}

WeightView lay_out_weight(const WeightView& like, std::byte* memory) {
  WeightView view = like;
  view.row_bytes = weight_row_bytes(like);
  view.scale_stride = weight_scale_stride(like);
  view.data = memory;
  memory += aligned(view.rows * view.row_bytes);
  view.scales = view.scale_stride > 0 ? memory : nullptr;
  view.biases = view.format == WeightFormat::affine
                    ? memory + aligned(scales_bytes(view))
                    : nullptr;
  return view;
}

void fill_weight(const WeightView& view, uint64_t seed, double size) {
  RandomNumbers random(seed);
  const std::span<std::byte> codes(
      const_cast<std::byte*>(view.data),
      static_cast<size_t>(view.rows * view.row_bytes));
  switch (view.format) {
    case WeightFormat::f32:
      fill_floats<uint32_t>(codes, random, 23, 127, size);
      break;
    case WeightFormat::bf16:
      fill_floats<uint16_t>(codes, random, 7, 127, size);
      break;
    case WeightFormat::f16:
      fill_floats<uint16_t>(codes, random, 10, 15, size);
      break;
    case WeightFormat::fp8_block:
    case WeightFormat::mxfp8:
      fill_codes(codes, random, true);
      break;
    case WeightFormat::mxfp4:
    case WeightFormat::affine:
      fill_codes(codes, random, false);
      break;
  }
  if (view.scales != nullptr)
    fill_scales(view, random, size);
}

}  // namespace hadal
