// The two bytes of the bfloat16 number of every E4M3 code, as tables of the
// byte shuffles in bf16_pairs-inl.h.
#pragma once

#include <cstdint>

namespace hadal {

struct E4m3Tables {
  // By magnitude: all 128 of them.
  uint8_t upper[128];
  uint8_t lower[128];
  // Magnitudes from 16 on: the upper byte, sign included, by the code's upper
  // nibble. Of smaller ones the sign alone.
  uint8_t upper_of_nibble[16];
  // Magnitudes below 16: the upper byte; the lower one xor the shifted code.
  uint8_t upper_of_small[16];
  uint8_t lower_of_small[16];
};

// bfloat16 bits of a magnitude code (spec 7.2).
constexpr uint16_t bf16_of_e4m3(int code) {
  if (code == 0)
    return 0;
  if (code == 0x7F)
    return 0x7FFF;
  int exponent = code >> 3;
  int mantissa = code & 7;
  if (exponent == 0) {  // subnormal: mantissa * 2^-9
    exponent = 1;
    while (mantissa < 8) {
      mantissa *= 2;
      --exponent;
    }
    mantissa -= 8;
  }
  return static_cast<uint16_t>((exponent + 120) << 7 | mantissa << 4);
}

constexpr E4m3Tables make_e4m3_tables() {
  E4m3Tables t = {};
  for (int code = 0; code < 128; ++code) {
    t.upper[code] = static_cast<uint8_t>(bf16_of_e4m3(code) >> 8);
    t.lower[code] = static_cast<uint8_t>(bf16_of_e4m3(code) & 0xFF);
  }
  for (int i = 0; i < 16; ++i) {
    const int magnitude = (i & 7) == 0 ? 0 : (i & 7) + 0x3C;
    t.upper_of_nibble[i] = static_cast<uint8_t>((i & 8) << 4 | magnitude);
    t.upper_of_small[i] = t.upper[i];
    t.lower_of_small[i] = static_cast<uint8_t>(t.lower[i] ^ (i << 4 & 0xF0));
  }
  return t;
}

inline constexpr E4m3Tables kE4m3Tables = make_e4m3_tables();

}  // namespace hadal
