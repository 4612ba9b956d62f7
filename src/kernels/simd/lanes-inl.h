// Sums in 16 logical lanes, the same bits on every instruction set.
//
// A vector register holds 1, 4, 8 or 16 floats. So that a sum does not depend
// on that, element i always goes to lane i mod 16, lanes take their elements in
// increasing i, and a fixed tree joins them: lane l takes lane l + 8, then
// l + 4, l + 2, l + 1. A register narrower than 16 holds a part of the lanes.
//
// Per-target header: included by files that foreach_target.h compiles once per
// instruction set; everything stands inside the target's namespace.
#if defined(HADAL_KERNELS_SIMD_LANES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_KERNELS_SIMD_LANES_INL_H_
#undef HADAL_KERNELS_SIMD_LANES_INL_H_
#else
#define HADAL_KERNELS_SIMD_LANES_INL_H_
#endif

#include <cstddef>
#include <cstdint>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using FloatVec = hn::Vec<Floats>;

constexpr int64_t kLanes = 16;  // logical lanes
constexpr int64_t kWidth = static_cast<int64_t>(hn::MaxLanes(Floats()));
constexpr int64_t kParts = kLanes / kWidth;  // registers that hold all lanes

// a * b + c, rounded once. Highway's MulAdd is that only where the machine has
// the instruction; the C library's fma is exact everywhere.
#if HWY_TARGET == HWY_SCALAR
HWY_INLINE hn::Vec1<float> fused(
    hn::Vec1<float> a, hn::Vec1<float> b, hn::Vec1<float> c) {
  return hn::Vec1<float>(__builtin_fmaf(a.raw, b.raw, c.raw));
}
HWY_INLINE hn::Vec1<double> fused(
    hn::Vec1<double> a, hn::Vec1<double> b, hn::Vec1<double> c) {
  return hn::Vec1<double>(__builtin_fma(a.raw, b.raw, c.raw));
}
#elif HWY_TARGET == HWY_EMU128
template <size_t N>
HWY_INLINE hn::Vec128<float, N> fused(
    hn::Vec128<float, N> a, hn::Vec128<float, N> b, hn::Vec128<float, N> c) {
  for (size_t i = 0; i < N; ++i)
    c.raw[i] = __builtin_fmaf(a.raw[i], b.raw[i], c.raw[i]);
  return c;
}
template <size_t N>
HWY_INLINE hn::Vec128<double, N> fused(
    hn::Vec128<double, N> a, hn::Vec128<double, N> b, hn::Vec128<double, N> c) {
  for (size_t i = 0; i < N; ++i)
    c.raw[i] = __builtin_fma(a.raw[i], b.raw[i], c.raw[i]);
  return c;
}
#else
template <class V>
HWY_INLINE V fused(V a, V b, V c) {
  return hn::MulAdd(a, b, c);
}
#endif

// The tree over 16 lanes that lie in kParts registers.
HWY_INLINE float join_lanes(const FloatVec (&parts)[kParts]) {
  HWY_ALIGN float lanes[kLanes];
  for (int64_t part = 0; part < kParts; ++part)
    hn::Store(parts[part], Floats(), lanes + part * kWidth);
  for (int64_t half = kLanes / 2; half > 0; half /= 2)
    for (int64_t lane = 0; lane < half; ++lane)
      lanes[lane] += lanes[lane + half];
  return lanes[0];
}

// One step of the tree for two vectors of partial sums at once: lane l of the
// result is a[l] + a[l ^ kStep] where l & kStep is zero, else the same of b.
template <int64_t kStep, class V>
HWY_INLINE V join_step(V a, V b) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Add(a, b);  // never instantiated: one lane needs no step
#else
  const Floats d;
#if HWY_MAX_BYTES == 64
  if constexpr (kStep == 8)
    return hn::Add(
        hn::ConcatUpperLower(d, b, a), hn::ConcatLowerUpper(d, b, a));
#endif
#if HWY_MAX_BYTES >= 32
  if constexpr (kStep == 4)
    return hn::Add(
        hn::OddEvenBlocks(b, a),
        hn::SwapAdjacentBlocks(hn::OddEvenBlocks(a, b)));
#endif
  if constexpr (kStep == 2) {
    const hn::Repartition<uint64_t, Floats> pairs;
    const auto a2 = hn::BitCast(pairs, a);
    const auto b2 = hn::BitCast(pairs, b);
    return hn::Add(
        hn::BitCast(d, hn::OddEven(b2, a2)),
        hn::BitCast(d, hn::Shuffle01(hn::OddEven(a2, b2))));
  }
  return hn::Add(hn::OddEven(b, a), hn::Shuffle2301(hn::OddEven(a, b)));
#endif
}

// Tiles of dot products: as many accumulators as the registers hold.
constexpr int64_t kDotRows = 4;
constexpr int64_t kDotCols = kWidth == 8 ? 2 : 4;
constexpr int64_t kDots = kDotRows * kDotCols;

// The tree for kDots accumulators at once; sums[i] belongs to accumulator i.
template <int64_t kStep>
HWY_INLINE void join_steps(FloatVec (&acc)[kDots]) {
  if constexpr (kStep > 0) {
    // Accumulators i and i + kStep of a group of 2 kStep merge; what was the
    // bit kStep of the accumulator's number becomes the bit of the lane.
    for (int64_t first = 0; first < kDots; first += 2 * kStep)
      for (int64_t i = first; i < first + kStep; ++i)
        acc[i] = join_step<kStep>(acc[i], acc[i + kStep]);
    join_steps<kStep / 2>(acc);
  }
}

// acc[r * kDotCols + c] += a[r] . b[c] over n channels (a multiple of 16), of
// which this takes the lanes of one part.
HWY_INLINE void dot_part(
    const float* const* a,
    const float* const* b,
    int64_t n,
    int64_t part,
    FloatVec (&acc)[kDots]) {
  const Floats d;
  for (int64_t i = part * kWidth; i < n; i += kLanes) {
    FloatVec bs[kDotCols];
    for (int64_t c = 0; c < kDotCols; ++c)
      bs[c] = hn::LoadU(d, b[c] + i);
    for (int64_t r = 0; r < kDotRows; ++r) {
      const FloatVec as = hn::LoadU(d, a[r] + i);
      for (int64_t c = 0; c < kDotCols; ++c)
        acc[r * kDotCols + c] = fused(as, bs[c], acc[r * kDotCols + c]);
    }
  }
}

// sums[i] = the tree over the lanes of accumulator i; `sums` is aligned.
HWY_INLINE void join_dots(
    FloatVec (&parts)[kParts][kDots], float* HWY_RESTRICT sums) {
  for (int64_t half = kParts / 2; half > 0; half /= 2)
    for (int64_t part = 0; part < half; ++part)
      for (int64_t i = 0; i < kDots; ++i)
        parts[part][i] = hn::Add(parts[part][i], parts[part + half][i]);
  join_steps<kWidth / 2>(parts[0]);
  for (int64_t i = 0; i < kDots; i += kWidth)
    hn::Store(parts[0][i], Floats(), sums + i);
}

// sums[r * kDotCols + c] = a[r] . b[c] over n channels, a multiple of 16.
HWY_INLINE void dot_tile(
    const float* const* a,
    const float* const* b,
    int64_t n,
    float* HWY_RESTRICT sums) {
  FloatVec parts[kParts][kDots];
  for (int64_t part = 0; part < kParts; ++part) {
    for (int64_t i = 0; i < kDots; ++i)
      parts[part][i] = hn::Zero(Floats());
    dot_part(a, b, n, part, parts[part]);
  }
  join_dots(parts, sums);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
