// Sines and cosines in double precision, lanes are pairs; the rotation itself
// in float32, lanes are channels.
#include "kernels/rotary/rotate_heads.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rotary/rotate_heads.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

void rotary_factor_vectors(
    float position,
    const float* frequencies,
    int64_t pairs,
    bool inverse,
    float* cosines,
    float* sines) {
  const hn::ScalableTag<double> d;
  constexpr int64_t kPairs = 32;  // at a time, whole vectors on every machine
  const int64_t width = static_cast<int64_t>(hn::MaxLanes(d));
  HWY_ALIGN double angle[kPairs];
  HWY_ALIGN double sine[kPairs];
  HWY_ALIGN double cosine[kPairs];
  for (int64_t first = 0; first < pairs; first += kPairs) {
    const int64_t count = pairs - first < kPairs ? pairs - first : kPairs;
    for (int64_t i = 0; i < kPairs; ++i)
      angle[i] = i < count ? double{position * frequencies[first + i]} : 0.0;
    for (int64_t i = 0; i < count; i += width) {
      auto s = hn::Zero(d);
      auto c = hn::Zero(d);
      sine_cosine_of(d, hn::Load(d, angle + i), s, c);
      hn::Store(s, d, sine + i);
      hn::Store(c, d, cosine + i);
    }
    for (int64_t i = 0; i < count; ++i) {
      const float c = static_cast<float>(cosine[i]);
      const float s = static_cast<float>(inverse ? -sine[i] : sine[i]);
      float* c_pair = cosines + 2 * (first + i);
      float* s_pair = sines + 2 * (first + i);
      c_pair[0] = c;
      c_pair[1] = c;
      s_pair[0] = -s;
      s_pair[1] = s;
    }
  }
}

// Each product and the sum are rounded on their own, as in the reference.
void rotate_head_vectors(
    const float* cosines,
    const float* sines,
    int64_t heads,
    int64_t rotary_dim,
    int64_t stride,
    float* x) {
  for (int64_t h = 0; h < heads; ++h) {
    float* head = x + h * stride;
    int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
    const Floats d;
    for (; i + kWidth <= rotary_dim; i += kWidth) {
      const FloatVec v = hn::LoadU(d, head + i);
      const FloatVec straight = hn::Mul(v, hn::LoadU(d, cosines + i));
      const FloatVec crossed =
          hn::Mul(hn::Shuffle2301(v), hn::LoadU(d, sines + i));
      hn::StoreU(hn::Add(straight, crossed), d, head + i);
    }
#endif
    for (; i < rotary_dim; i += 2) {
      const float a = head[i];
      const float b = head[i + 1];
      head[i] = a * cosines[i] + b * sines[i];
      head[i + 1] = b * cosines[i + 1] + a * sines[i + 1];
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(rotary_factor_vectors);
HWY_EXPORT(rotate_head_vectors);

void rotary_factors(
    float position,
    const float* frequencies,
    int64_t pairs,
    bool inverse,
    float* cosines,
    float* sines) {
  HWY_DYNAMIC_DISPATCH(rotary_factor_vectors)
  (position, frequencies, pairs, inverse, cosines, sines);
}

void rotate_heads(
    const float* cosines,
    const float* sines,
    int64_t heads,
    int64_t rotary_dim,
    int64_t stride,
    float* x) {
  HWY_DYNAMIC_DISPATCH(rotate_head_vectors)
  (cosines, sines, heads, rotary_dim, stride, x);
}

}  // namespace hadal
#endif  // HWY_ONCE
