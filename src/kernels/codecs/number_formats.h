// The small number formats of checkpoints and caches, one value at a time
// (spec 7.2). Every conversion to float32 is exact; every conversion from
// float32 rounds once, to nearest, ties to even.
#pragma once

#include <cstdint>

namespace hadal {

// bfloat16: the upper half of a float32.
float bf16_to_float(uint16_t bits);
// Overflow gives infinity; a NaN stays a NaN (made quiet, payload cut).
uint16_t float_to_bf16(float value);

// IEEE half precision.
float f16_to_float(uint16_t bits);
uint16_t float_to_f16(float value);

// E4M3 "fn": 1 sign, 4 exponent (bias 7), 3 mantissa bits; largest 448, no
// infinity; 0x7F and 0xFF are NaN.
float e4m3_to_float(uint8_t code);
// Saturates to +-448 (infinity too); NaN becomes 0x7F or 0xFF.
uint8_t float_to_e4m3(float value);

// E8M0: 2^(code - 127), no sign; 255 is NaN. Built from the exponent, never by
// converting the byte to a number (spec 9, trap 17).
float e8m0_to_float(uint8_t code);
// `value` is a power of two in [2^-127, 2^127], or NaN.
uint8_t float_to_e8m0(float value);

// E2M1: codes 0..7 are 0, 0.5, 1, 1.5, 2, 3, 4, 6; bit 3 is the sign.
float e2m1_to_float(uint8_t code);
// Saturates to +-6; zero keeps its sign. The format has no NaN: NaN becomes 6.
uint8_t float_to_e2m1(float value);

// The power-of-two scale of a block that is rounded to E4M3 (spec 8.1) or E2M1
// (spec 8.2): 2^ceil(log2(amax / largest)), computed as the exponent of
// fl32(amax * fl32(1 / largest)), plus one if its mantissa is not zero.
// `amax` is the block's largest magnitude; the floors of the spec (1e-4 and
// 6 * 2^-126) are applied here. A NaN or infinite amax gives NaN.
float fp8_block_scale(float amax);
float fp4_block_scale(float amax);

// The largest magnitude of `count` values; NaN when one of them is NaN.
float largest_magnitude(const float* values, int64_t count);

}  // namespace hadal
