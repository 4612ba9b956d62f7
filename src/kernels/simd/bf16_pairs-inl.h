// Pairs of bfloat16 numbers in 32-bit lanes, the even one in the lower half:
// decoding of E4M3 codes to them, their two halves as float32, and their dot
// product. Holds the few operations that Highway 1.0.3 lacks.
//
// Per-target header, see lanes-inl.h; nothing here for HWY_SCALAR.
#if defined(HADAL_KERNELS_SIMD_BF16_PAIRS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_KERNELS_SIMD_BF16_PAIRS_INL_H_
#undef HADAL_KERNELS_SIMD_BF16_PAIRS_INL_H_
#else
#define HADAL_KERNELS_SIMD_BF16_PAIRS_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/simd/e4m3_tables.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET != HWY_SCALAR

using Words = hn::RebindToUnsigned<Floats>;
using WordVec = hn::Vec<Words>;
using Bytes = hn::Repartition<uint8_t, Floats>;
using ByteVec = hn::Vec<Bytes>;

HWY_INLINE FloatVec odd_of_pairs(WordVec pairs) {
  return hn::BitCast(Floats(), hn::And(pairs, hn::Set(Words(), 0xFFFF0000U)));
}
HWY_INLINE FloatVec even_of_pairs(WordVec pairs) {
  return hn::BitCast(Floats(), hn::ShiftLeft<16>(pairs));
}

// The 128-bit blocks 0, 2, .. of the run of blocks a, b; and 1, 3, ..
HWY_INLINE WordVec even_blocks(WordVec a, WordVec b) {
#if HWY_MAX_BYTES == 64
  return WordVec{_mm512_shuffle_i32x4(a.raw, b.raw, 0x88)};
#elif HWY_MAX_BYTES == 32
  return hn::ConcatLowerLower(Words(), b, a);
#else
  (void)b;
  return a;
#endif
}
HWY_INLINE WordVec odd_blocks(WordVec a, WordVec b) {
#if HWY_MAX_BYTES == 64
  return WordVec{_mm512_shuffle_i32x4(a.raw, b.raw, 0xDD)};
#elif HWY_MAX_BYTES == 32
  return hn::ConcatUpperUpper(Words(), b, a);
#else
  (void)a;
  return b;
#endif
}

// A vector of E4M3 codes: bytes 0-7 of every 128-bit block to pairs in `low`,
// bytes 8-15 to pairs in `high`. Exact; NaN codes give NaN.
class E4m3Decoder {
 public:
#if HWY_TARGET == HWY_AVX3_DL
  HWY_INLINE E4m3Decoder() {
    const Bytes d;
    upper_[0] = hn::LoadU(d, kE4m3Tables.upper);
    upper_[1] = hn::LoadU(d, kE4m3Tables.upper + 64);
    lower_[0] = hn::LoadU(d, kE4m3Tables.lower);
    lower_[1] = hn::LoadU(d, kE4m3Tables.lower + 64);
  }
  // Two tables of 128 bytes; the instruction ignores the sign bit.
  HWY_INLINE void decode(ByteVec codes, WordVec& low, WordVec& high) const {
    const Bytes d;
    const ByteVec magnitude{
        _mm512_permutex2var_epi8(upper_[0].raw, codes.raw, upper_[1].raw)};
    const ByteVec lower{
        _mm512_permutex2var_epi8(lower_[0].raw, codes.raw, lower_[1].raw)};
    const ByteVec upper =
        hn::Or(magnitude, hn::And(codes, hn::Set(d, uint8_t{0x80})));
    low = hn::BitCast(Words(), hn::InterleaveLower(d, lower, upper));
    high = hn::BitCast(Words(), hn::InterleaveUpper(d, lower, upper));
  }

 private:
  ByteVec upper_[2];
  ByteVec lower_[2];
#else
  // Codes below 16, subnormals among them, go through a table of their own; of
  // the others the lower byte is a shift and the upper one depends on the upper
  // nibble alone.
  HWY_INLINE void decode(ByteVec codes, WordVec& low, WordVec& high) const {
    const Bytes d;
    const hn::RebindToSigned<Bytes> di;
    const hn::Repartition<uint16_t, Bytes> d16;
    const ByteVec magnitude = hn::And(codes, hn::Set(d, uint8_t{0x7F}));
    const auto signed_magnitude = hn::BitCast(di, magnitude);
    const ByteVec large = hn::BitCast(
        d,
        hn::VecFromMask(di, hn::Gt(signed_magnitude, hn::Set(di, int8_t{15}))));
    const ByteVec small = hn::Or(magnitude, large);
    const ByteVec nan = hn::BitCast(
        d,
        hn::VecFromMask(
            di, hn::Eq(signed_magnitude, hn::Set(di, int8_t{0x7F}))));
    const auto wide = hn::BitCast(d16, codes);
    const ByteVec nibble = hn::And(
        hn::BitCast(d, hn::ShiftRight<4>(wide)), hn::Set(d, uint8_t{15}));
    const ByteVec shifted = hn::And(
        hn::BitCast(d, hn::ShiftLeft<4>(wide)), hn::Set(d, uint8_t{0xF0}));
    const ByteVec upper = hn::Or(
        hn::Or(lookup(kE4m3Tables.upper_of_nibble, nibble), nan),
        lookup_or_0(kE4m3Tables.upper_of_small, small));
    const ByteVec lower = hn::Or(
        hn::Xor(shifted, lookup_or_0(kE4m3Tables.lower_of_small, small)), nan);
    low = hn::BitCast(Words(), hn::InterleaveLower(d, lower, upper));
    high = hn::BitCast(Words(), hn::InterleaveUpper(d, lower, upper));
  }

 private:
  static HWY_INLINE ByteVec lookup(const uint8_t* table, ByteVec at) {
    return hn::TableLookupBytes(hn::LoadDup128(Bytes(), table), at);
  }
  static HWY_INLINE ByteVec lookup_or_0(const uint8_t* table, ByteVec at) {
    return hn::TableLookupBytesOr0(hn::LoadDup128(Bytes(), table), at);
  }
#endif
};

#if HWY_MAX_BYTES == 64
// Lane i: the table's lane of the lowest four bits of at[i].
HWY_INLINE FloatVec lookup_16(FloatVec table, WordVec at) {
  return FloatVec{_mm512_permutexvar_ps(at.raw, table.raw)};
}

// Lane i: in its lowest byte byte at[i] < 32 of the 32 bytes, above it
// anything.
HWY_INLINE WordVec lookup_32_bytes(const uint8_t* bytes, WordVec at) {
  const __m256i loaded =
      _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes));
  return WordVec{
      _mm512_permutexvar_epi8(at.raw, _mm512_castsi256_si512(loaded))};
}
#endif

#if HWY_TARGET == HWY_AVX3_DL
// acc = fma(even, even, fma(odd, odd, acc)) with subnormal inputs and results
// taken as zero. Only where the machine has AVX512_BF16.
HWY_INLINE FloatVec dot_pairs(FloatVec acc, WordVec w, WordVec x) {
  // Highway does not name the extension to the compiler, which therefore
  // refuses the intrinsic.
  asm("vdpbf16ps %2, %1, %0" : "+v"(acc.raw) : "v"(w.raw), "v"(x.raw));
  return acc;
}
#endif

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
