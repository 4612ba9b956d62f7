// The unsigned codes of MLX's affine quantisation (spec 7.4): 2, 3, 4, 5, 6 or
// 8 bits, packed into a row as one stream of bits, least significant first.
// Little-endian words and this stream are the same bytes; codes of 3, 5 and 6
// bits straddle bytes and words.
#pragma once

#include <cstddef>
#include <cstdint>

namespace hadal {

// Is there an affine format of this many bits?
bool is_affine_bits(int bits);

// Codes [first, first + count) of a packed row; `first` is a multiple of 8.
// Reads no byte that holds none of them.
void unpack_affine(
    int bits,
    const std::byte* row,
    int64_t first,
    int64_t count,
    uint8_t* codes);

// `count` (a multiple of 8) codes below 2^bits -> count * bits / 8 bytes.
void pack_affine(int bits, const uint8_t* codes, int64_t count, std::byte* row);

}  // namespace hadal
