// How a cached row of attention or of the indexer is stored (spec 4.6).
#pragma once

#include <cstddef>
#include <cstdint>

namespace hadal {

enum class RowFormat : uint8_t {
  f32,   // dim floats
  bf16,  // dim bfloat16
  fp8,   // E4M3 codes of the first dim - rotary channels, one E8M0 byte a block
         // of 64 of them, then the rotary channels in bfloat16
  fp4,   // E2M1 codes, low nibble first, then one E8M0 byte a block of 32
};

// A row of `dim` channels of which the last `rotary` rotate. fp8 and fp4 hold
// exactly the values that the round trips of spec 8 leave, so they lose nothing
// on rows that went through them.
struct RowLayout {
  RowFormat format = RowFormat::f32;
  int64_t dim = 0;
  int64_t rotary = 0;

  // Rounded up to a multiple of 4 bytes.
  constexpr int64_t row_bytes() const {
    int64_t bytes = 0;
    switch (format) {
      case RowFormat::f32:
        bytes = dim * 4;
        break;
      case RowFormat::bf16:
        bytes = dim * 2;
        break;
      case RowFormat::fp8:
        bytes = (dim - rotary) + rotary * 2 + (dim - rotary + 63) / 64;
        break;
      case RowFormat::fp4:
        bytes = dim / 2 + (dim + 31) / 32;
        break;
    }
    return (bytes + 3) / 4 * 4;
  }
  bool operator==(const RowLayout&) const = default;
};

// Rows in pages of `rows_per_page` (a power of two): row s lies at
// pages[s / rows_per_page] + (s % rows_per_page) * layout.row_bytes().
struct PagedRows {
  const std::byte* const* pages = nullptr;
  int64_t rows_per_page = 1;
  RowLayout layout;
};

// float32 rows -> stored rows and back (src/kernels/codecs/row_codec.cpp).
// encode: fp8 and fp4 choose the power-of-two scale by the rules of spec 8, so
// encode(decode(row)) == row.
void encode_row(const RowLayout& layout, const float* values, std::byte* row);
void decode_row(const RowLayout& layout, const std::byte* row, float* values);

}  // namespace hadal
