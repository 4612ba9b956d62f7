// Float32 -> the formats with power-of-two scales: mxfp4 and mxfp8 in groups of
// 32 columns, and the release's FP8 in blocks of 128 x 128 (spec 7.2, 7.4).
//
// The scale is the smallest power of two that clips nothing (spec 8):
// 2^ceil(log2(amax / largest)), largest = 6 or 448. MLX's own rule rounds the
// exponent to nearest instead and clips by up to the square root of 2. Unlike
// the rule for activations there is no floor under amax: the least scale is
// that of E8M0, 2^-127. A group of zeros gets the scale 1.
//
// Every value becomes the nearest code, ties to even. Values must be finite.
// Threads may call these at once.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hadal {

inline constexpr int64_t kMxGroup = 32;
inline constexpr int64_t kFp8Block = 128;

// The E8M0 byte of that rule for a group with this largest magnitude.
uint8_t mx_scale_code(float amax, float largest);

// cols is a multiple of 32: cols / 2 bytes of codes, low nibble first, and
// cols / 32 scales.
void encode_mxfp4_row(
    const float* row, int64_t cols, std::byte* codes, std::byte* scales);

// cols is a multiple of 32: cols bytes of codes and cols / 32 scales.
void encode_mxfp8_row(
    const float* row, int64_t cols, std::byte* codes, std::byte* scales);

// One row of blocks, up to 128 rows of values [rows, cols], any cols: codes
// [rows, cols] and ceil(cols / 128) scales.
void encode_fp8_block_row(
    const float* values,
    int64_t rows,
    int64_t cols,
    std::byte* codes,
    std::byte* scales);

}  // namespace hadal
