// Exponential, logarithm, sine and cosine of our own: one polynomial on every
// instruction set, so that results have the same bits everywhere. Only exact
// operations (+, -, *, /, fused multiply-add, rounding), no approximate
// instructions. Errors are measured in math_test.cpp.
//
// Per-target header, see lanes-inl.h.
#if defined(HADAL_KERNELS_SIMD_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_KERNELS_SIMD_MATH_INL_H_
#undef HADAL_KERNELS_SIMD_MATH_INL_H_
#else
#define HADAL_KERNELS_SIMD_MATH_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// 2^n for integers in [-126, 127], from the exponent bits.
template <class D, class VI>
HWY_INLINE hn::Vec<D> power_of_two(D d, VI n) {
  const hn::RebindToSigned<D> di;
  return hn::BitCast(d, hn::ShiftLeft<23>(hn::Add(n, hn::Set(di, 127))));
}

// e^x within 1 ulp for every float: 0 below about -104, infinity above 88.73,
// NaN for NaN. Float vectors of any width.
template <class D, class V>
HWY_INLINE V exp_of(D d, V x) {
  const hn::RebindToSigned<D> di;
  // x = n ln 2 + r with |r| <= ln 2 / 2; ln 2 in two parts, so r is exact to
  // the last bit.
  const auto is_number = hn::Eq(x, x);
  const V number = hn::IfThenElseZero(is_number, x);
  const V bounded =
      hn::Min(hn::Max(number, hn::Set(d, -105.0f)), hn::Set(d, 89.0f));
  const V n = hn::Round(hn::Mul(bounded, hn::Set(d, 0x1.715476p0f)));
  V r = fused(n, hn::Set(d, -0x1.62e430p-1f), bounded);
  r = fused(n, hn::Set(d, 0x1.05c610p-29f), r);

  // e^r = 1 + r + r^2 p(r); Cephes' coefficients.
  V p = hn::Set(d, 1.9875691500e-4f);
  p = fused(p, r, hn::Set(d, 1.3981999507e-3f));
  p = fused(p, r, hn::Set(d, 8.3334519073e-3f));
  p = fused(p, r, hn::Set(d, 4.1665795894e-2f));
  p = fused(p, r, hn::Set(d, 1.6666665459e-1f));
  p = fused(p, r, hn::Set(d, 5.0000001201e-1f));
  p = fused(p, hn::Mul(r, r), r);
  p = hn::Add(p, hn::Set(d, 1.0f));

  // Times 2^n in two steps, because n reaches -152 and 128: the second one
  // rounds to a subnormal number or overflows, as it should.
  const auto whole = hn::ConvertTo(di, n);
  const auto half = hn::ShiftRight<1>(whole);
  const V scaled = hn::Mul(
      hn::Mul(p, power_of_two(d, half)), power_of_two(d, hn::Sub(whole, half)));
  return hn::IfThenElse(is_number, scaled, x);
}

// e^x within 1 ulp for x <= 0, minus infinity included; 0 below -87. Half the
// work of exp_of.
template <class D, class V>
HWY_INLINE V exp_of_negative(D d, V x) {
  const hn::RebindToSigned<D> di;
  const V smallest = hn::Set(d, -87.0f);
  const V bounded = hn::Max(x, smallest);
  // Adding this rounds to an integer and leaves it in the low bits.
  const V magic = hn::Set(d, 0x1.8p23f);
  const V shifted = fused(bounded, hn::Set(d, 0x1.715476p0f), magic);
  const V n = hn::Sub(shifted, magic);
  V r = fused(n, hn::Set(d, -0x1.62e430p-1f), bounded);
  r = fused(n, hn::Set(d, 0x1.05c610p-29f), r);

  V p = hn::Set(d, 1.9875691500e-4f);
  p = fused(p, r, hn::Set(d, 1.3981999507e-3f));
  p = fused(p, r, hn::Set(d, 8.3334519073e-3f));
  p = fused(p, r, hn::Set(d, 4.1665795894e-2f));
  p = fused(p, r, hn::Set(d, 1.6666665459e-1f));
  p = fused(p, r, hn::Set(d, 5.0000001201e-1f));
  p = fused(p, hn::Mul(r, r), r);
  p = hn::Add(p, hn::Set(d, 1.0f));

  // Times 2^n: n is at least -126, so the result is a normal number.
  const V scaled = hn::BitCast(
      d,
      hn::Add(hn::BitCast(di, p), hn::ShiftLeft<23>(hn::BitCast(di, shifted))));
  return hn::IfThenElseZero(hn::Ge(x, smallest), scaled);
}

// 1 / (1 + e^-x) within 3 ulp.
template <class D, class V>
HWY_INLINE V sigmoid_of(D d, V x) {
  const V one = hn::Set(d, 1.0f);
  return hn::Div(one, hn::Add(one, exp_of(d, hn::Neg(x))));
}

// log(1 + t) for t in [0, 1], within 2 ulp, as 2 atanh(t / (2 + t)).
template <class D, class V>
HWY_INLINE V log1p_of_unit(D d, V t) {
  const V z = hn::Div(t, hn::Add(t, hn::Set(d, 2.0f)));
  const V square = hn::Mul(z, z);
  V p = hn::Set(d, 1.0f / 17);
  p = fused(p, square, hn::Set(d, 1.0f / 15));
  p = fused(p, square, hn::Set(d, 1.0f / 13));
  p = fused(p, square, hn::Set(d, 1.0f / 11));
  p = fused(p, square, hn::Set(d, 1.0f / 9));
  p = fused(p, square, hn::Set(d, 1.0f / 7));
  p = fused(p, square, hn::Set(d, 1.0f / 5));
  p = fused(p, square, hn::Set(d, 1.0f / 3));
  const V twice = hn::Add(z, z);
  return fused(p, hn::Mul(square, twice), twice);
}

// log1p(e^x), and x itself above 20 (spec 5.1), within 3 ulp.
template <class D, class V>
HWY_INLINE V softplus_of(D d, V x) {
  const V tail = log1p_of_unit(d, exp_of(d, hn::Neg(hn::Abs(x))));
  const V sum = hn::Add(hn::Max(x, hn::Zero(d)), tail);
  return hn::IfThenElse(hn::Gt(x, hn::Set(d, 20.0f)), x, sum);
}

// Sine and cosine of doubles |x| < 2^30, within 1e-15 absolutely.
template <class D, class V>
HWY_INLINE void sine_cosine_of(D d, V x, V& sine, V& cosine) {
  // x = n pi/2 + r; pi/2 in two parts and fused products keep r exact to
  // 1e-16 for every n in range.
  const V n = hn::Round(hn::Mul(x, hn::Set(d, 0x1.45f306dc9c883p-1)));
  V r = fused(n, hn::Set(d, -0x1.921fb54442d18p0), x);
  r = fused(n, hn::Set(d, -0x1.1a62633145c07p-54), r);

  // Taylor polynomials; |r| <= pi/4.
  const V square = hn::Mul(r, r);
  V s = hn::Set(d, -1.0 / 1307674368000);
  s = fused(s, square, hn::Set(d, 1.0 / 6227020800));
  s = fused(s, square, hn::Set(d, -1.0 / 39916800));
  s = fused(s, square, hn::Set(d, 1.0 / 362880));
  s = fused(s, square, hn::Set(d, -1.0 / 5040));
  s = fused(s, square, hn::Set(d, 1.0 / 120));
  s = fused(s, square, hn::Set(d, -1.0 / 6));
  s = fused(s, hn::Mul(square, r), r);
  V c = hn::Set(d, 1.0 / 20922789888000);
  c = fused(c, square, hn::Set(d, -1.0 / 87178291200));
  c = fused(c, square, hn::Set(d, 1.0 / 479001600));
  c = fused(c, square, hn::Set(d, -1.0 / 3628800));
  c = fused(c, square, hn::Set(d, 1.0 / 40320));
  c = fused(c, square, hn::Set(d, -1.0 / 720));
  c = fused(c, square, hn::Set(d, 1.0 / 24));
  c = fused(c, square, hn::Set(d, -0.5));
  c = fused(c, square, hn::Set(d, 1.0));

  // The quadrant n mod 4, kept in doubles: 0, 1, 2 or 3.
  const V quarter = hn::Floor(hn::Mul(n, hn::Set(d, 0.25)));
  const V quadrant = fused(quarter, hn::Set(d, -4.0), n);
  const auto is1 = hn::Eq(quadrant, hn::Set(d, 1.0));
  const auto is2 = hn::Eq(quadrant, hn::Set(d, 2.0));
  const auto is3 = hn::Eq(quadrant, hn::Set(d, 3.0));
  const auto odd = hn::Or(is1, is3);
  const V sine_part = hn::IfThenElse(odd, c, s);
  const V cosine_part = hn::IfThenElse(odd, s, c);
  sine = hn::IfThenElse(hn::Or(is2, is3), hn::Neg(sine_part), sine_part);
  cosine = hn::IfThenElse(hn::Or(is1, is2), hn::Neg(cosine_part), cosine_part);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
