// Constant tables that unpack codes of 2, 3, 5 and 6 bits with vector
// instructions: eight codes are as many whole bytes as a code has bits, so the
// same table serves every eight.
#pragma once

#include <cstdint>

namespace hadal {

// For 16 codes at the begin of a 128-bit lane, even and odd ones apart: a code
// lies in two bytes; as 16 bits, times `factor`, it ends at the top bit.
struct LaneTable {
  uint8_t even_bytes[16];
  uint8_t odd_bytes[16];
  uint16_t even_factor[8];
  uint16_t odd_factor[8];
};

constexpr LaneTable make_lane_table(int bits) {
  LaneTable table{};
  for (int i = 0; i < 8; ++i) {
    const int even = 2 * i * bits;
    const int odd = even + bits;
    table.even_bytes[2 * i] = static_cast<uint8_t>(even / 8);
    table.even_bytes[2 * i + 1] = static_cast<uint8_t>(even / 8 + 1);
    table.odd_bytes[2 * i] = static_cast<uint8_t>(odd / 8);
    table.odd_bytes[2 * i + 1] = static_cast<uint8_t>(odd / 8 + 1);
    table.even_factor[i] = static_cast<uint16_t>(1 << (16 - bits - even % 8));
    table.odd_factor[i] = static_cast<uint16_t>(1 << (16 - bits - odd % 8));
  }
  return table;
}

// For AVX-512 VBMI: which bytes go to the 64-bit lanes of a vector, and where
// in 64 bits each of eight codes begins. Lane 2j + h of `first` is the h-th
// eight codes of block j, of `second` the eight that follow 16 codes later. Of
// 5 and 6 bits, blocks 2 and 3 come from a second load that begins with them.
struct WideTable {
  uint8_t first[64];
  uint8_t second[64];
  uint8_t shifts[64];
};

constexpr WideTable make_wide_table(int bits) {
  WideTable table{};
  for (int lane = 0; lane < 8; ++lane) {
    const int block = bits > 3 ? lane / 2 % 2 : lane / 2;
    const int byte = 4 * bits * block + lane % 2 * bits;
    for (int i = 0; i < 8; ++i) {
      table.first[8 * lane + i] = static_cast<uint8_t>(byte + i);
      table.second[8 * lane + i] = static_cast<uint8_t>(byte + 2 * bits + i);
      table.shifts[8 * lane + i] = static_cast<uint8_t>(bits * i);
    }
  }
  return table;
}

template <int kBits>
inline constexpr LaneTable kLaneTable = make_lane_table(kBits);
template <int kBits>
inline constexpr WideTable kWideTable = make_wide_table(kBits);

}  // namespace hadal
