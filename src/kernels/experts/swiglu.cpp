#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/experts/swiglu.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/highway.h"

#include "kernels/experts/swiglu.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Comparisons, not Min and Max: a NaN stays one.
HWY_INLINE FloatVec
swiglu_vector(FloatVec g, FloatVec u, float limit, float weight) {
  const Floats d;
  if (limit > 0) {
    const FloatVec high = hn::Set(d, limit);
    const FloatVec low = hn::Set(d, -limit);
    g = hn::IfThenElse(hn::Gt(g, high), high, g);
    u = hn::IfThenElse(hn::Gt(u, high), high, u);
    u = hn::IfThenElse(hn::Lt(u, low), low, u);
  }
  const FloatVec one = hn::Set(d, 1.0F);
  const FloatVec silu = hn::Div(g, hn::Add(one, exp_of(d, hn::Neg(g))));
  return hn::Mul(hn::Mul(silu, u), hn::Set(d, weight));
}

void Swiglu(
    const float* gate,
    const float* up,
    int64_t count,
    float limit,
    float weight,
    float* out) {
  const Floats d;
  int64_t i = 0;
  for (; i + kWidth <= count; i += kWidth)
    hn::StoreU(
        swiglu_vector(
            hn::LoadU(d, gate + i), hn::LoadU(d, up + i), limit, weight),
        d,
        out + i);
  if (i == count)
    return;
  HWY_ALIGN float g[kWidth] = {};
  HWY_ALIGN float u[kWidth] = {};
  for (int64_t k = i; k < count; ++k) {
    g[k - i] = gate[k];
    u[k - i] = up[k];
  }
  hn::Store(swiglu_vector(hn::Load(d, g), hn::Load(d, u), limit, weight), d, g);
  for (int64_t k = i; k < count; ++k)
    out[k] = g[k - i];
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(Swiglu);

void swiglu(
    const float* gate,
    const float* up,
    int64_t count,
    float limit,
    float weight,
    float* out) {
  HWY_DYNAMIC_DISPATCH(Swiglu)(gate, up, count, limit, weight, out);
}

}  // namespace hadal
#endif
