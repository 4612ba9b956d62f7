// Sums of four byte products a 32-bit lane, which Highway 1.0.3 lacks: the only
// operation of the kernels that is written per instruction set. Integers, so
// every route gives the same bits.
//
//   dot_small(acc, w, x)  acc[i] + sum of w[4i + j] * x[4i + j], j = 0..3, for
//                         unsigned w <= 127 and any signed x
//   dot_wide(acc, w, x)   the same for every w
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

#if HWY_TARGET == HWY_AVX3_DL

HWY_INLINE VecI dot_small(VecI acc, VecU8 w, VecI8 x) {
  // The machines of this target have the instruction, but Highway does not
  // name it to the compiler, which therefore refuses the intrinsic.
  asm("vpdpbusd %2, %1, %0" : "+v"(acc.raw) : "v"(w.raw), "v"(x.raw));
  return acc;
}
HWY_INLINE VecI dot_wide(VecI acc, VecU8 w, VecI8 x) {
  return dot_small(acc, w, x);
}

#elif HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3

// Pairs are summed in int16, which saturates. They fit: at most 2 * 127 * 128 =
// 32512, and for the top bits alone at least 2 * 128 * -128 = -2^15 and at most
// 2 * 128 * 127 = 32512.
HWY_INLINE VecI dot_small(VecI acc, VecU8 w, VecI8 x) {
#if HWY_TARGET == HWY_AVX2
  const __m256i pairs = _mm256_maddubs_epi16(w.raw, x.raw);
  return hn::Add(acc, VecI{_mm256_madd_epi16(pairs, _mm256_set1_epi16(1))});
#else
  const __m512i pairs = _mm512_maddubs_epi16(w.raw, x.raw);
  return hn::Add(acc, VecI{_mm512_madd_epi16(pairs, _mm512_set1_epi16(1))});
#endif
}
HWY_INLINE VecI dot_wide(VecI acc, VecU8 w, VecI8 x) {
  const auto top = hn::Set(TagU8(), 128);
  acc = dot_small(acc, hn::AndNot(top, w), x);
  return dot_small(acc, hn::And(top, w), x);
}

#elif HWY_TARGET == HWY_NEON

HWY_INLINE VecI dot_signed(VecI acc, int8x16_t w, int8x16_t x) {
#ifdef __ARM_FEATURE_DOTPROD
  return VecI(vdotq_s32(acc.raw, w, x));
#else
  // A product of bytes fits in int16, their pairs are summed in int32.
  const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(w), vget_low_s8(x)));
  const int32x4_t high =
      vpaddlq_s16(vmull_s8(vget_high_s8(w), vget_high_s8(x)));
  return hn::Add(acc, VecI(vpaddq_s32(low, high)));
#endif
}
HWY_INLINE VecI dot_small(VecI acc, VecU8 w, VecI8 x) {
  return dot_signed(acc, vreinterpretq_s8_u8(w.raw), x.raw);
}
// w = (w - 128) + 64 + 64.
HWY_INLINE VecI dot_wide(VecI acc, VecU8 w, VecI8 x) {
  const int8x16_t half = vdupq_n_s8(64);
  const uint8x16_t less = veorq_u8(w.raw, vdupq_n_u8(128));
  acc = dot_signed(acc, half, x.raw);
  acc = dot_signed(acc, half, x.raw);
  return dot_signed(acc, vreinterpretq_s8_u8(less), x.raw);
}

#else

// Even and odd bytes as int16; a product fits in int16 (-128 * 255 does).
HWY_INLINE VecI dot_small(VecI acc, VecU8 w, VecI8 x) {
  const TagI d32;
  const hn::Repartition<int16_t, TagI> d16;
  const auto w16 = hn::BitCast(d16, w);
  const auto x16 = hn::BitCast(d16, x);
  const VecI even = hn::BitCast(
      d32,
      hn::Mul(
          hn::And(w16, hn::Set(d16, 0xFF)),
          hn::ShiftRight<8>(hn::ShiftLeft<8>(x16))));
  const VecI odd = hn::BitCast(
      d32,
      hn::Mul(
          hn::And(hn::ShiftRight<8>(w16), hn::Set(d16, 0xFF)),
          hn::ShiftRight<8>(x16)));
  const VecI low = hn::Add(
      hn::ShiftRight<16>(hn::ShiftLeft<16>(even)),
      hn::ShiftRight<16>(hn::ShiftLeft<16>(odd)));
  const VecI high = hn::Add(hn::ShiftRight<16>(even), hn::ShiftRight<16>(odd));
  return hn::Add(acc, hn::Add(low, high));
}
HWY_INLINE VecI dot_wide(VecI acc, VecU8 w, VecI8 x) {
  return dot_small(acc, w, x);
}

#endif

#endif  // HWY_TARGET != HWY_SCALAR

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // include guard of the target
