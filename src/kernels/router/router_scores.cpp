// Lanes are experts.
#include "kernels/router/router_scores.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/router/router_scores.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

void router_score_vectors(const float* logits, int64_t count, float* scores) {
  const Floats d;
  for (int64_t i = 0; i < count; i += kWidth)
    hn::StoreU(
        hn::Sqrt(softplus_of(d, hn::LoadU(d, logits + i))), d, scores + i);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(router_score_vectors);

void router_scores(const float* logits, int64_t count, float* scores) {
  HWY_DYNAMIC_DISPATCH(router_score_vectors)(logits, count, scores);
}

}  // namespace hadal
#endif  // HWY_ONCE
