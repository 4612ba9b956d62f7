// Eight codes of b bits fill exactly b bytes, so eight at a time never
// straddle.
#include "kernels/codecs/affine.h"

namespace hadal {
namespace {

uint64_t read_bytes(const std::byte* from, int64_t count) {
  uint64_t word = 0;
  for (int64_t i = 0; i < count; ++i)
    word |= static_cast<uint64_t>(from[i]) << (8 * i);
  return word;
}

}  // namespace

bool is_affine_bits(int bits) {
  return bits == 2 || bits == 3 || bits == 4 || bits == 5 || bits == 6 ||
         bits == 8;
}

void unpack_affine(
    int bits,
    const std::byte* row,
    int64_t first,
    int64_t count,
    uint8_t* codes) {
  const uint64_t mask = (1U << bits) - 1;
  const std::byte* from = row + first / 8 * bits;
  for (int64_t i = 0; i < count; i += 8, from += bits) {
    const int64_t here = count - i < 8 ? count - i : 8;
    const uint64_t word = read_bytes(from, (here * bits + 7) / 8);
    for (int64_t j = 0; j < here; ++j)
      codes[i + j] = static_cast<uint8_t>((word >> (j * bits)) & mask);
  }
}

// Halves of a word move together three times: 8 codes in 8 bytes, 4 pairs, 2
// fours, one run of 8 * bits.
void pack_affine(
    int bits, const uint8_t* codes, int64_t count, std::byte* row) {
  constexpr uint64_t kBytes = 0x00FF00FF00FF00FF;
  constexpr uint64_t kPairs = 0x0000FFFF0000FFFF;
  constexpr uint64_t kFours = 0x00000000FFFFFFFF;
  for (int64_t i = 0; i < count; i += 8, row += bits) {
    uint64_t word = 0;
    for (int64_t j = 0; j < 8; ++j)
      word |= static_cast<uint64_t>(codes[i + j]) << (8 * j);
    word = (word & kBytes) | ((word >> 8) & kBytes) << bits;
    word = (word & kPairs) | ((word >> 16) & kPairs) << (2 * bits);
    word = (word & kFours) | (word >> 32) << (4 * bits);
    for (int j = 0; j < bits; ++j)
      row[j] = static_cast<std::byte>((word >> (8 * j)) & 0xFF);
  }
}

}  // namespace hadal
