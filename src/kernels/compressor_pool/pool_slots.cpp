// Lanes are channels: two passes over the slots, maximum and sums.
#include "kernels/compressor_pool/pool_slots.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/compressor_pool/pool_slots.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Channels from `begin` on in steps of one vector of D; returns where it
// stopped. A channel's arithmetic is the same in any vector.
template <class D>
HWY_INLINE int64_t pool_vectors(
    D d,
    const float* const* z,
    const float* const* g,
    int64_t slots,
    int64_t begin,
    int64_t count,
    float* out) {
  const int64_t step = static_cast<int64_t>(hn::MaxLanes(d));
  int64_t e = begin;
  for (; e + step <= count; e += step) {
    auto maximum = hn::LoadU(d, g[0] + e);
    for (int64_t i = 1; i < slots; ++i)
      maximum = hn::Max(maximum, hn::LoadU(d, g[i] + e));
    auto sum = hn::Zero(d);
    auto weights = hn::Zero(d);
    for (int64_t i = 0; i < slots; ++i) {
      const auto weight = exp_of(d, hn::Sub(hn::LoadU(d, g[i] + e), maximum));
      sum = fused(weight, hn::LoadU(d, z[i] + e), sum);
      weights = hn::Add(weights, weight);
    }
    hn::StoreU(hn::Div(sum, weights), d, out + e);
  }
  return e;
}

void compressor_pool_slots(
    const float* const* z,
    const float* const* g,
    int64_t slots,
    int64_t count,
    float* out) {
  const int64_t done = pool_vectors(Floats(), z, g, slots, 0, count, out);
  pool_vectors(hn::CappedTag<float, 1>(), z, g, slots, done, count, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(compressor_pool_slots);

void pool_slots(
    const float* const* z,
    const float* const* g,
    int64_t slots,
    int64_t count,
    float* out) {
  HWY_DYNAMIC_DISPATCH(compressor_pool_slots)(z, g, slots, count, out);
}

}  // namespace hadal
#endif  // HWY_ONCE
