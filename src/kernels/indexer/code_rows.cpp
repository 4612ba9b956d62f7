// Stored FP4 rows to unsigned bytes. A nibble becomes its value by a table of
// sixteen bytes, in which the doublings of the block's scale are multiplied in.
#include <algorithm>

#include "kernels/indexer/score_codes.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/indexer/code_rows.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Twice the value of an E2M1 code, times 2^doublings, plus the offset.
constexpr uint8_t offset_code(int code, int doublings) {
  constexpr int kTwice[8] = {0, 1, 2, 3, 4, 6, 8, 12};
  const int magnitude = kTwice[code & 7] << doublings;
  return static_cast<uint8_t>(
      kCodeOffset + ((code & 8) != 0 ? -magnitude : magnitude));
}

struct CodeTables {
  alignas(16) uint8_t of[kRowDoublings + 1][16];
};
constexpr CodeTables make_code_tables() {
  CodeTables tables{};
  for (int d = 0; d <= kRowDoublings; ++d)
    for (int code = 0; code < 16; ++code)
      tables.of[d][code] = offset_code(code, d);
  return tables;
}
inline constexpr CodeTables kCodeTables = make_code_tables();

// Sixteen bytes of nibbles to their low and high halves' codes.
HWY_INLINE void unpack_block(
    const uint8_t* in, int doublings, uint8_t* low, uint8_t* high) {
  const uint8_t* table = kCodeTables.of[doublings];
#if HWY_TARGET == HWY_SCALAR
  for (int i = 0; i < 16; ++i) {
    low[i] = table[in[i] & 15];
    high[i] = table[in[i] >> 4];
  }
#else
  const hn::FixedTag<uint8_t, 16> d;
  const auto values = hn::Load(d, table);
  const auto pairs = hn::LoadU(d, in);
  const auto mask = hn::Set(d, uint8_t{15});
  hn::StoreU(hn::TableLookupBytes(values, hn::And(pairs, mask)), d, low);
  hn::StoreU(hn::TableLookupBytes(values, hn::ShiftRight<4>(pairs)), d, high);
#endif
}

HWY_INLINE bool is_zero_block(const uint8_t* in) {
  unsigned any = 0;
  for (int i = 0; i < 16; ++i)
    any |= in[i] & 0x77u;
  return any == 0;
}

// The smallest and largest scale codes of a row; blocks of zeros do not count.
struct ScaleRange {
  int low;
  int high;
};
HWY_INLINE ScaleRange scale_range(const uint8_t* row, int64_t blocks) {
  const uint8_t* scales = row + 16 * blocks;
  ScaleRange range{255, 0};
  for (int64_t b = 0; b < blocks; ++b) {
    if (is_zero_block(row + 16 * b))
      continue;
    range.low = scales[b] < range.low ? scales[b] : range.low;
    range.high = scales[b] > range.high ? scales[b] : range.high;
  }
  return range.high == 0 ? ScaleRange{127, 127} : range;
}

HWY_INLINE float power_of_two_float(int exponent) {
  const uint32_t bits = static_cast<uint32_t>(exponent + 127) << 23;
  float value;
  __builtin_memcpy(&value, &bits, sizeof(value));
  return value;
}

// Doublings of a block above the row's base; more than 60 do not occur.
HWY_INLINE int doublings_of(int scale, int base) {
  const int doublings = scale - base;
  return doublings < 0 ? 0 : doublings > 60 ? 60 : doublings;
}

// Rows of any scales; returns whether all were narrow.
HWY_INLINE bool unpack_any_rows(
    const uint8_t* const* rows,
    int64_t dim,
    uint8_t* codes,
    float* bases,
    float* factors) {
  const int64_t blocks = dim / kCodeBlock;
  ScaleRange ranges[kCodeRows];
  bool narrow = true;
  for (int64_t r = 0; r < kCodeRows; ++r) {
    ranges[r] = scale_range(rows[r], blocks);
    narrow = narrow && ranges[r].high - ranges[r].low <= kRowDoublings;
  }
  for (int64_t r = 0; r < kCodeRows; ++r) {
    const int base = ranges[r].low;
    const uint8_t* scales = rows[r] + 16 * blocks;
    bases[r] = power_of_two_float(base - 127 - 2);
    for (int64_t b = 0; b < blocks; ++b) {
      const int doublings = doublings_of(scales[b], base);
      factors[r * blocks + b] = power_of_two_float(doublings);
      uint8_t* low = codes + r * dim + 16 * b;
      const int folded = !narrow                     ? 0
                         : doublings > kRowDoublings ? 0  // zeros
                                                     : doublings;
      unpack_block(rows[r] + 16 * b, folded, low, low + dim / 2);
    }
  }
  return narrow;
}

#if HWY_TARGET == HWY_AVX3_DL
// The tables of four blocks side by side, by their doublings, two bits each.
struct WideTables {
  alignas(64) uint8_t of[256][64];
};
constexpr WideTables make_wide_tables() {
  WideTables tables{};
  for (int index = 0; index < 256; ++index)
    for (int b = 0; b < 4; ++b)
      for (int code = 0; code < 16; ++code)
        tables.of[index][16 * b + code] =
            offset_code(code, std::min(index >> (2 * b) & 3, kRowDoublings));
  return tables;
}
constinit const WideTables kWideTables = make_wide_tables();

// Rows of 128 channels; false when a row's scales are not near to one another.
HWY_INLINE bool unpack_rows_of_128(
    const uint8_t* const* rows, uint8_t* codes, float* bases) {
  const hn::ScalableTag<uint32_t> d32;
  const hn::ScalableTag<uint8_t> d8;
  const hn::ScalableTag<float> df;
  HWY_ALIGN uint32_t scales[16];
  HWY_ALIGN uint32_t index[kCodeRows];
  for (int64_t r = 0; r < kCodeRows; r += 16) {
    for (int64_t i = 0; i < 16; ++i)
      __builtin_memcpy(scales + i, rows[r + i] + 64, sizeof(uint32_t));
    const auto s = hn::Load(d32, scales);
    const auto pair =
        hn::Min(hn::BitCast(d8, s), hn::BitCast(d8, hn::RotateRight<8>(s)));
    const auto least = hn::Min(
        pair, hn::BitCast(d8, hn::RotateRight<16>(hn::BitCast(d32, pair))));
    const auto doublings = hn::Sub(hn::BitCast(d8, s), least);
    const auto most = hn::Set(d8, uint8_t{kRowDoublings});
    if (!hn::AllTrue(d8, hn::Eq(hn::Min(doublings, most), doublings)))
      return false;
    const auto d = hn::BitCast(d32, doublings);
    hn::Store(
        hn::And(
            hn::Or(
                hn::Or(d, hn::ShiftRight<6>(d)),
                hn::Or(hn::ShiftRight<12>(d), hn::ShiftRight<18>(d))),
            hn::Set(d32, 255u)),
        d32,
        index + r);
    const auto base =
        hn::ShiftLeft<23>(hn::And(hn::BitCast(d32, least), hn::Set(d32, 255u)));
    hn::Store(
        hn::Mul(hn::BitCast(df, base), hn::Set(df, 0.25f)), df, bases + r);
  }
  const auto mask = hn::Set(d8, uint8_t{15});
  for (int64_t r = 0; r < kCodeRows; ++r) {
    const auto table = hn::Load(d8, kWideTables.of[index[r]]);
    const auto pairs = hn::LoadU(d8, rows[r]);
    hn::Store(
        hn::TableLookupBytes(table, hn::And(pairs, mask)), d8, codes + 128 * r);
    hn::Store(
        hn::TableLookupBytes(
            table,
            hn::And(
                hn::BitCast(d8, hn::ShiftRight<4>(hn::BitCast(d32, pairs))),
                mask)),
        d8,
        codes + 128 * r + 64);
  }
  return true;
}
#endif

bool indexer_unpack_rows(
    const uint8_t* const* rows,
    int64_t dim,
    uint8_t* codes,
    float* bases,
    float* factors) {
#if HWY_TARGET == HWY_AVX3_DL
  if (dim == 128 && unpack_rows_of_128(rows, codes, bases))
    return true;
#endif
  return unpack_any_rows(rows, dim, codes, bases, factors);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(indexer_unpack_rows);

void code_rows(
    const RowLayout& layout,
    const std::byte* const* rows,
    int64_t count,
    CodeRows& out) {
  out.dim = layout.dim;
  const uint8_t* stored[kCodeRows];
  for (int64_t r = 0; r < kCodeRows; ++r)
    stored[r] =
        reinterpret_cast<const uint8_t*>(rows[r < count ? r : count - 1]);
  out.narrow = HWY_DYNAMIC_DISPATCH(indexer_unpack_rows)(
      stored,
      layout.dim,
      out.codes.reserve(kCodeRows * layout.dim),
      out.bases.reserve(kCodeRows),
      out.factors.reserve(kCodeRows * layout.dim / kCodeBlock));
}

}  // namespace hadal
#endif  // HWY_ONCE
