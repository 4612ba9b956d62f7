// Integer activation codes, one block of 32 at a time (the rule is in
// linear.h).
#pragma once

#include <cstdint>

namespace hadal {

inline constexpr int64_t kActivationBlock = 32;

// The largest codes. Of int16: 127 * 256 + 127, so that a code is 256 * high +
// low with a high byte in [-127, 127] and a low one in [-128, 127].
inline constexpr int32_t kInt8Limit = 127;
inline constexpr int32_t kInt16Limit = 32639;

// Blocks whose largest magnitude lies below this become zeros. Above it the
// scale and its inverse are far from the ends of float32.
inline constexpr float kSmallestBlock = 0x1p-100F;

// `count` <= 32 values -> codes of magnitude up to `limit` (32 of them, the
// rest zero) and the scale.
float encode_activation_block(
    const float* values, int64_t count, int32_t limit, int32_t* codes);

}  // namespace hadal
