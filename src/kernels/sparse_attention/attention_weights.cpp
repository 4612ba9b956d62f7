// Scores to weights; lanes are heads, so no sum goes across lanes.
#include "kernels/sparse_attention/attention_forms.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_attention/attention_weights.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// A slot's weights of these heads, the lanes from `lane` of sixteen on, to the
// two head blocks of eight.
HWY_INLINE void store_weights(
    FloatVec weights, int64_t lane, int64_t weight_stride, float* to) {
  const Floats d;
  if constexpr (kWidth == 16) {
    HWY_ALIGN float all[16];
    hn::Store(weights, d, all);
    __builtin_memcpy(to, all, kHeadBlock * sizeof(float));
    __builtin_memcpy(
        to + weight_stride, all + kHeadBlock, kHeadBlock * sizeof(float));
  } else {
    hn::StoreU(
        weights, d, to + lane / kHeadBlock * weight_stride + lane % kHeadBlock);
  }
}

// The heads of one vector.
HWY_INLINE void weigh_heads(
    const AttentionShape& shape,
    const AttentionSlots& slots,
    const float* scores,
    const float* sinks,
    int64_t lane,
    float* weights,
    float* denominators) {
  const Floats d;
  const int64_t stride = shape.padded_heads();
  const int64_t all = slots.all();
  const FloatVec sink = hn::LoadU(d, sinks);
  FloatVec maximum = sink;
  for (int64_t s = 0; s < all; ++s)
    maximum = hn::Max(maximum, hn::Load(d, scores + s * stride));

  FloatVec sum = hn::Zero(d);
  for (int64_t first = 0; first < all;) {
    const int64_t left = (first == 0 ? slots.window : all) - first;
    const int64_t count = first == 0 || left < kTileSlots ? left : kTileSlots;
    FloatVec partial = hn::Zero(d);
    for (int64_t s = first; s < first + count; ++s) {
      const FloatVec weight = exp_of_negative(
          d, hn::Sub(hn::Load(d, scores + s * stride), maximum));
      partial = hn::Add(partial, weight);
      store_weights(weight, lane, all * kHeadBlock, weights + s * kHeadBlock);
    }
    sum = hn::Add(sum, partial);
    first += count;
  }
  hn::StoreU(
      hn::Add(sum, exp_of_negative(d, hn::Sub(sink, maximum))),
      d,
      denominators);
}

void attention_weigh_lanes(
    const AttentionShape& shape,
    const AttentionSlots& slots,
    int64_t lane,
    const float* scores,
    const float* sinks,
    float* weights,
    float* denominators) {
  const int64_t head = lane * kHeadLanes;
  for (int64_t l = 0; l < kHeadLanes; l += kWidth)
    weigh_heads(
        shape,
        slots,
        scores + head + l,
        sinks + head + l,
        l,
        weights + head * slots.all(),
        denominators + head + l);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(attention_weigh_lanes);

void attention_weights(
    const AttentionShape& shape,
    const AttentionSlots& slots,
    int64_t lane,
    const float* scores,
    const float* sinks,
    float* weights,
    float* denominators) {
  HWY_DYNAMIC_DISPATCH(attention_weigh_lanes)
  (shape, slots, lane, scores, sinks, weights, denominators);
}

}  // namespace hadal
#endif  // HWY_ONCE
