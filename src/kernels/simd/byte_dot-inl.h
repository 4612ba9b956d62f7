// Sums of four byte products a 32-bit lane, which Highway 1.0.3 lacks: the only
// operation of the kernels that is written per instruction set. Integers, so
// every route gives the same bits.
//
// Included once per target, after hwy/highway.h; not for HWY_SCALAR.
#if defined(HADAL_BYTE_DOT_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_BYTE_DOT_INL_H_
#undef HADAL_BYTE_DOT_INL_H_
#else
#define HADAL_BYTE_DOT_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET != HWY_SCALAR

using TagI = hn::CappedTag<int32_t, 16>;
using TagU8 = hn::Repartition<uint8_t, TagI>;
using TagI8 = hn::Repartition<int8_t, TagI>;
using VecI = hn::Vec<TagI>;
using VecU8 = hn::Vec<TagU8>;
using VecI8 = hn::Vec<TagI8>;

// acc[i] + sum of w[4i + j] * x[4i + j], j = 0..3, for w <= 127 and x >= -127.
HWY_INLINE VecI dot_small(VecI acc, VecU8 w, VecI8 x) {
#if HWY_TARGET == HWY_AVX3_DL
  // The machines of this target have the instruction, but Highway does not
  // name it to the compiler, which therefore refuses the intrinsic.
  asm("vpdpbusd %2, %1, %0" : "+v"(acc.raw) : "v"(w.raw), "v"(x.raw));
  return acc;
#elif HWY_TARGET == HWY_AVX2
  // Pairs fit in int16: 2 * 127 * 127 < 2^15, so nothing saturates.
  const __m256i pairs = _mm256_maddubs_epi16(w.raw, x.raw);
  return hn::Add(acc, VecI{_mm256_madd_epi16(pairs, _mm256_set1_epi16(1))});
#else
  // Even and odd bytes as int16; a product fits in int16.
  const hn::Repartition<int16_t, TagI> d16;
  const auto w16 = hn::BitCast(d16, w);
  const auto x16 = hn::BitCast(d16, x);
  const auto even = hn::Mul(
      hn::And(w16, hn::Set(d16, 0xFF)),
      hn::ShiftRight<8>(hn::ShiftLeft<8>(x16)));
  const auto odd = hn::Mul(
      hn::And(hn::ShiftRight<8>(w16), hn::Set(d16, 0xFF)),
      hn::ShiftRight<8>(x16));
  const TagI d32;
  const auto low = [](VecI pair) {
    return hn::ShiftRight<16>(hn::ShiftLeft<16>(pair));
  };
  const VecI e = hn::BitCast(d32, even);
  const VecI o = hn::BitCast(d32, odd);
  acc = hn::Add(acc, hn::Add(low(e), hn::ShiftRight<16>(e)));
  return hn::Add(acc, hn::Add(low(o), hn::ShiftRight<16>(o)));
#endif
}

// The same for every w.
HWY_INLINE VecI dot_wide(VecI acc, VecU8 w, VecI8 x) {
#if HWY_TARGET == HWY_AVX3_DL
  return dot_small(acc, w, x);
#elif HWY_TARGET == HWY_AVX2
  // 2 * 128 * 127 < 2^15 as well.
  const auto top = hn::Set(TagU8(), 128);
  acc = dot_small(acc, hn::AndNot(top, w), x);
  return dot_small(acc, hn::And(top, w), x);
#else
  return dot_small(acc, w, x);
#endif
}

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // include guard of the target
