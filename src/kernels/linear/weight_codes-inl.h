// Decoders of integer weight codes: a unit of kUnit blocks of 32 columns of one
// row, from where it lies in the file to two vectors of unsigned bytes. 128-bit
// lane j of both holds block j. A struct a format:
//   kUnitBytes   of a unit
//   kReadBytes   that load() reads, at most 2 kUnitBytes and 128
//   kNatural     true: columns 0..15 of each block, then 16..31;
//                false: the even columns, then the odd ones
//   load(from, a, b)
// Included once per target, after simd/byte_dot-inl.h; not for HWY_SCALAR.
#if defined(HADAL_WEIGHT_CODES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_WEIGHT_CODES_INL_H_
#undef HADAL_WEIGHT_CODES_INL_H_
#else
#define HADAL_WEIGHT_CODES_INL_H_
#endif

#include "kernels/linear/packed_tables.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

constexpr int kN = static_cast<int>(HWY_LANES(int32_t));  // 32-bit lanes
constexpr int kUnit = kN / 4;
using TagU16 = hn::Repartition<uint16_t, TagI>;

// Keeps a vector in a register that the compiler would otherwise load or build
// again for every use.
template <class V>
HWY_INLINE void keep(V& vector) {
#if HWY_TARGET == HWY_AVX3_DL
  asm("" : "+v"(vector.raw));
#else
  (void)vector;
#endif
}
HWY_INLINE VecU8 load_codes(const uint8_t* from) {
  VecU8 codes = hn::LoadU(TagU8(), from);
  keep(codes);
  return codes;
}
HWY_INLINE VecU8 high_nibbles_and_more(VecU8 pairs) {
  return hn::BitCast(TagU8(), hn::ShiftRight<4>(hn::BitCast(TagU16(), pairs)));
}

// E2M1 codes as twice their value plus 12.
struct Fp4Codes {
  static constexpr int kUnitBytes = 16 * kUnit;
  static constexpr int kReadBytes = kUnitBytes;
  static constexpr bool kNatural = false;
  VecU8 table;

  HWY_INLINE Fp4Codes() {
    alignas(16) static constexpr uint8_t kCodes[16] = {
        12, 13, 14, 15, 16, 18, 20, 24, 12, 11, 10, 9, 8, 6, 4, 0};
    table = hn::LoadDup128(TagU8(), kCodes);
    keep(table);
  }
  HWY_INLINE void load(const uint8_t* from, VecU8& a, VecU8& b) const {
    const VecU8 pairs = load_codes(from);
    const VecU8 high = high_nibbles_and_more(pairs);
#if HWY_TARGET == HWY_AVX3_DL
    // Looks at the low six bits of an index, and the table repeats after four.
    a = VecU8{_mm512_permutexvar_epi8(pairs.raw, table.raw)};
    b = VecU8{_mm512_permutexvar_epi8(high.raw, table.raw)};
#else
    const VecU8 mask = hn::Set(TagU8(), 15);
    a = hn::TableLookupBytes(table, hn::And(pairs, mask));
    b = hn::TableLookupBytes(table, hn::And(high, mask));
#endif
  }
};

struct NibbleCodes {
  static constexpr int kUnitBytes = 16 * kUnit;
  static constexpr int kReadBytes = kUnitBytes;
  static constexpr bool kNatural = false;
  VecU8 mask;

  HWY_INLINE NibbleCodes() {
    mask = hn::Set(TagU8(), 15);
    keep(mask);
  }
  HWY_INLINE void load(const uint8_t* from, VecU8& a, VecU8& b) const {
    const VecU8 pairs = load_codes(from);
    a = hn::And(pairs, mask);
    b = hn::And(high_nibbles_and_more(pairs), mask);
  }
};

struct ByteCodes {
  static constexpr int kUnitBytes = 32 * kUnit;
  static constexpr int kReadBytes = kUnitBytes;
  static constexpr bool kNatural = true;

  HWY_INLINE void load(const uint8_t* from, VecU8& a, VecU8& b) const {
    const VecU8 low = hn::LoadU(TagU8(), from);
    const VecU8 high = hn::LoadU(TagU8(), from + 16 * kUnit);
#if HWY_MAX_BYTES == 64
    a = VecU8{_mm512_shuffle_i64x2(low.raw, high.raw, 0x88)};
    b = VecU8{_mm512_shuffle_i64x2(low.raw, high.raw, 0xDD)};
#elif HWY_MAX_BYTES == 32
    a = hn::ConcatLowerLower(TagU8(), high, low);
    b = hn::ConcatUpperUpper(TagU8(), high, low);
#else
    a = low;
    b = high;
#endif
  }
};

// Codes of 2, 3, 5 and 6 bits.
#if HWY_TARGET == HWY_AVX3_DL

template <int kBits>
struct PackedCodes {
  static constexpr int kUnitBytes = 16 * kBits;
  // Where the second load begins; 2 and 3 bits need none.
  static constexpr int kSecond = kBits > 3 ? 8 * kBits : 0;
  static constexpr int kReadBytes = kBits == 2 ? kUnitBytes : kSecond + 64;
  static constexpr bool kNatural = true;
  VecU8 first;
  VecU8 second;
  VecU8 shifts;
  VecU8 mask;

  HWY_INLINE PackedCodes() {
    first = hn::LoadU(TagU8(), kWideTable<kBits>.first);
    second = hn::LoadU(TagU8(), kWideTable<kBits>.second);
    shifts = hn::LoadU(TagU8(), kWideTable<kBits>.shifts);
    mask = hn::Set(TagU8(), (1 << kBits) - 1);
    keep(first);
    keep(second);
    keep(shifts);
    keep(mask);
  }
  HWY_INLINE void load(const uint8_t* from, VecU8& a, VecU8& b) const {
    const VecU8 low = load_unit(from);
    __m512i bytes_a = _mm512_permutexvar_epi8(first.raw, low.raw);
    __m512i bytes_b = _mm512_permutexvar_epi8(second.raw, low.raw);
    if constexpr (kSecond > 0) {
      const VecU8 high = load_codes(from + kSecond);
      constexpr __mmask64 kUpper = 0xFFFFFFFF00000000;
      bytes_a =
          _mm512_mask_permutexvar_epi8(bytes_a, kUpper, first.raw, high.raw);
      bytes_b =
          _mm512_mask_permutexvar_epi8(bytes_b, kUpper, second.raw, high.raw);
    }
    a = hn::And(VecU8{_mm512_multishift_epi64_epi8(shifts.raw, bytes_a)}, mask);
    b = hn::And(VecU8{_mm512_multishift_epi64_epi8(shifts.raw, bytes_b)}, mask);
  }

 private:
  // Of 2 bits no more than the unit: every second whole vector would lie in two
  // lines of the cache.
  static HWY_INLINE VecU8 load_unit(const uint8_t* from) {
    if constexpr (kBits != 2)
      return load_codes(from);
    VecU8 codes = hn::ZeroExtendVector(
        TagU8(), hn::LoadU(hn::CappedTag<uint8_t, 32>(), from));
    keep(codes);
    return codes;
  }
};

#else

template <int kBits>
struct PackedCodes {
  static constexpr int kUnitBytes = 4 * kBits * kUnit;
  static constexpr int kReadBytes = 4 * kBits * (kUnit - 1) + 2 * kBits + 16;
  static constexpr bool kNatural = true;
  VecU8 even_bytes;
  VecU8 odd_bytes;
  hn::Vec<TagU16> even_factor;
  hn::Vec<TagU16> odd_factor;

  HWY_INLINE PackedCodes() {
    even_bytes = hn::LoadDup128(TagU8(), kLaneTable<kBits>.even_bytes);
    odd_bytes = hn::LoadDup128(TagU8(), kLaneTable<kBits>.odd_bytes);
    even_factor = hn::LoadDup128(TagU16(), kLaneTable<kBits>.even_factor);
    odd_factor = hn::LoadDup128(TagU16(), kLaneTable<kBits>.odd_factor);
  }
  HWY_INLINE void load(const uint8_t* from, VecU8& a, VecU8& b) const {
    a = sixteen(from);
    b = sixteen(from + 2 * kBits);
  }

 private:
  // 16 bytes from each block's begin.
  static HWY_INLINE VecU8 load_lanes(const uint8_t* from) {
    const hn::CappedTag<uint8_t, 16> d1;
#if HWY_MAX_BYTES == 16
    return hn::LoadU(d1, from);
#else
    const hn::CappedTag<uint8_t, 32> d2;
    const auto low =
        hn::Combine(d2, hn::LoadU(d1, from + 4 * kBits), hn::LoadU(d1, from));
#if HWY_MAX_BYTES == 32
    return low;
#else
    return hn::Combine(
        TagU8(),
        hn::Combine(
            d2,
            hn::LoadU(d1, from + 12 * kBits),
            hn::LoadU(d1, from + 8 * kBits)),
        low);
#endif
#endif
  }
  HWY_INLINE VecU8 sixteen(const uint8_t* from) const {
    const TagU16 d16;
    const VecU8 lanes = load_lanes(from);
    const auto even = hn::ShiftRight<16 - kBits>(hn::Mul(
        hn::BitCast(d16, hn::TableLookupBytes(lanes, even_bytes)),
        even_factor));
    const auto odd = hn::ShiftRight<16 - kBits>(hn::Mul(
        hn::BitCast(d16, hn::TableLookupBytes(lanes, odd_bytes)), odd_factor));
    return hn::BitCast(TagU8(), hn::Or(even, hn::ShiftLeft<8>(odd)));
  }
};

#endif

// a and b in the natural order to the even and the odd columns.
HWY_INLINE void split_even_odd(VecU8& a, VecU8& b) {
  alignas(16) static constexpr uint8_t kEvenOdd[16] = {
      0, 2, 4, 6, 8, 10, 12, 14, 1, 3, 5, 7, 9, 11, 13, 15};
  const hn::Repartition<uint64_t, TagI> d64;
  const VecU8 order = hn::LoadDup128(TagU8(), kEvenOdd);
  const auto a2 = hn::BitCast(d64, hn::TableLookupBytes(a, order));
  const auto b2 = hn::BitCast(d64, hn::TableLookupBytes(b, order));
  a = hn::BitCast(TagU8(), hn::InterleaveLower(d64, a2, b2));
  b = hn::BitCast(TagU8(), hn::InterleaveUpper(d64, a2, b2));
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // include guard of the target
