#include "kernels/codecs/mx_encode.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "kernels/codecs/number_formats.h"

namespace hadal {
namespace {

constexpr float kLargestE2m1 = 6;
constexpr float kLargestE4m3 = 448;

// 1 / 2^(code - 127): exact, and for the largest scale a subnormal.
float inverse_scale(uint8_t code) {
  return e8m0_to_float(static_cast<uint8_t>(254 - code));
}

}  // namespace

uint8_t mx_scale_code(float amax, float largest) {
  if (amax == 0)
    return 127;
  const float ratio = amax * (1.0F / largest);
  const uint32_t bits = std::bit_cast<uint32_t>(ratio);
  return static_cast<uint8_t>((bits >> 23) + ((bits & 0x7FFFFF) != 0 ? 1 : 0));
}

void encode_mxfp4_row(
    const float* row, int64_t cols, std::byte* codes, std::byte* scales) {
  HADAL_CHECK(cols % kMxGroup == 0);
  for (int64_t at = 0; at < cols; at += kMxGroup) {
    const uint8_t scale =
        mx_scale_code(largest_magnitude(row + at, kMxGroup), kLargestE2m1);
    const float inverse = inverse_scale(scale);
    scales[at / kMxGroup] = static_cast<std::byte>(scale);
    for (int64_t i = at; i < at + kMxGroup; i += 2)
      codes[i / 2] = static_cast<std::byte>(
          float_to_e2m1(row[i] * inverse) | float_to_e2m1(row[i + 1] * inverse)
                                                << 4);
  }
}

void encode_mxfp8_row(
    const float* row, int64_t cols, std::byte* codes, std::byte* scales) {
  HADAL_CHECK(cols % kMxGroup == 0);
  for (int64_t at = 0; at < cols; at += kMxGroup) {
    const uint8_t scale =
        mx_scale_code(largest_magnitude(row + at, kMxGroup), kLargestE4m3);
    const float inverse = inverse_scale(scale);
    scales[at / kMxGroup] = static_cast<std::byte>(scale);
    for (int64_t i = at; i < at + kMxGroup; ++i)
      codes[i] = static_cast<std::byte>(float_to_e4m3(row[i] * inverse));
  }
}

void encode_fp8_block_row(
    const float* values,
    int64_t rows,
    int64_t cols,
    std::byte* codes,
    std::byte* scales) {
  HADAL_CHECK(rows <= kFp8Block);
  for (int64_t at = 0; at < cols; at += kFp8Block) {
    const int64_t count = std::min(kFp8Block, cols - at);
    float amax = 0;
    for (int64_t row = 0; row < rows; ++row)
      amax = std::max(amax, largest_magnitude(values + row * cols + at, count));
    const uint8_t scale = mx_scale_code(amax, kLargestE4m3);
    const float inverse = inverse_scale(scale);
    scales[at / kFp8Block] = static_cast<std::byte>(scale);
    for (int64_t row = 0; row < rows; ++row)
      for (int64_t i = row * cols + at; i < row * cols + at + count; ++i)
        codes[i] = static_cast<std::byte>(float_to_e4m3(values[i] * inverse));
  }
}

}  // namespace hadal
