// Cached rows to bytes and back. A row whose channels went through the round
// trips of spec 8 comes back with the same bits: its block scales can only
// shrink when they are chosen again, and a smaller power of two represents the
// same values.
#include "kernels/codecs/row_codec.h"

#include <algorithm>
#include <cstring>

#include "kernels/codecs/number_formats.h"

namespace hadal {
namespace {

void encode_bf16(const float* values, int64_t count, std::byte* out) {
  for (int64_t i = 0; i < count; ++i) {
    const uint16_t bits = float_to_bf16(values[i]);
    std::memcpy(out + 2 * i, &bits, 2);
  }
}

void decode_bf16(const std::byte* in, int64_t count, float* values) {
  for (int64_t i = 0; i < count; ++i) {
    uint16_t bits;
    std::memcpy(&bits, in + 2 * i, 2);
    values[i] = bf16_to_float(bits);
  }
}

void encode_fp8(const RowLayout& layout, const float* values, std::byte* row) {
  const int64_t coded = layout.dim - layout.rotary;
  std::byte* scales = row + fp8_row_scales(layout);
  for (int64_t first = 0; first < coded; first += kFp8RowBlock) {
    const int64_t count = std::min(kFp8RowBlock, coded - first);
    const float scale =
        fp8_block_scale(largest_magnitude(values + first, count));
    *scales++ = static_cast<std::byte>(float_to_e8m0(scale));
    for (int64_t i = first; i < first + count; ++i)
      row[i] = static_cast<std::byte>(float_to_e4m3(values[i] / scale));
  }
  encode_bf16(values + coded, layout.rotary, row + fp8_row_rotary(layout));
}

void decode_fp8(const RowLayout& layout, const std::byte* row, float* values) {
  const int64_t coded = layout.dim - layout.rotary;
  const std::byte* scales = row + fp8_row_scales(layout);
  for (int64_t i = 0; i < coded; ++i)
    values[i] = e4m3_to_float(static_cast<uint8_t>(row[i])) *
                e8m0_to_float(static_cast<uint8_t>(scales[i / kFp8RowBlock]));
  decode_bf16(row + fp8_row_rotary(layout), layout.rotary, values + coded);
}

void encode_fp4(const RowLayout& layout, const float* values, std::byte* row) {
  std::byte* scales = row + fp4_row_scales(layout);
  for (int64_t first = 0; first < layout.dim; first += kFp4RowBlock) {
    const int64_t count = std::min(kFp4RowBlock, layout.dim - first);
    const float scale =
        fp4_block_scale(largest_magnitude(values + first, count));
    *scales++ = static_cast<std::byte>(float_to_e8m0(scale));
    for (int64_t i = first; i < first + count; i += 2)
      row[i / 2] = static_cast<std::byte>(
          float_to_e2m1(values[i] / scale) |
          float_to_e2m1(values[i + 1] / scale) << 4);
  }
}

void decode_fp4(const RowLayout& layout, const std::byte* row, float* values) {
  const std::byte* scales = row + fp4_row_scales(layout);
  for (int64_t i = 0; i < layout.dim; ++i) {
    const uint8_t pair = static_cast<uint8_t>(row[i / 2]);
    const uint8_t code = (i & 1) != 0 ? pair >> 4 : pair & 15;
    values[i] = e2m1_to_float(code) *
                e8m0_to_float(static_cast<uint8_t>(scales[i / kFp4RowBlock]));
  }
}

}  // namespace

void encode_row(const RowLayout& layout, const float* values, std::byte* row) {
  std::memset(row, 0, static_cast<size_t>(layout.row_bytes()));
  switch (layout.format) {
    case RowFormat::f32:
      std::memcpy(row, values, static_cast<size_t>(layout.dim) * 4);
      return;
    case RowFormat::bf16:
      return encode_bf16(values, layout.dim, row);
    case RowFormat::fp8:
      return encode_fp8(layout, values, row);
    case RowFormat::fp4:
      return encode_fp4(layout, values, row);
  }
}

void decode_row(const RowLayout& layout, const std::byte* row, float* values) {
  switch (layout.format) {
    case RowFormat::f32:
      std::memcpy(values, row, static_cast<size_t>(layout.dim) * 4);
      return;
    case RowFormat::bf16:
      return decode_bf16(row, layout.dim, values);
    case RowFormat::fp8:
      return decode_fp8(layout, row, values);
    case RowFormat::fp4:
      return decode_fp4(layout, row, values);
  }
}

}  // namespace hadal
