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

void pack_affine(
    int bits, const uint8_t* codes, int64_t count, std::byte* row) {
  for (int64_t i = 0; i < count; i += 8, row += bits) {
    uint64_t word = 0;
    for (int64_t j = 0; j < 8; ++j)
      word |= static_cast<uint64_t>(codes[i + j]) << (j * bits);
    for (int j = 0; j < bits; ++j)
      row[j] = static_cast<std::byte>((word >> (8 * j)) & 0xFF);
  }
}

}  // namespace hadal
