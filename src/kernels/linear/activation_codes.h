// int8 activation codes, one block of 32 at a time (the rule is in linear.h).
#pragma once

#include <cstdint>

namespace hadal {

inline constexpr int64_t kActivationBlock = 32;

// `count` <= 32 values -> codes (32 of them, the rest zero) and the scale.
float encode_activation_block(
    const float* values, int64_t count, int8_t* codes);

}  // namespace hadal
