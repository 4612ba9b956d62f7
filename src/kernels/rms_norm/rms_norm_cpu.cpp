#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/rms_norm/rms_norm_cpu.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/highway.h"

#include "kernels/rms_norm/rms_norm.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

HWY_INLINE float sum_of_squares(const float* x, int64_t dim) {
  const Floats d;
  FloatVec acc[kParts];
  for (int64_t part = 0; part < kParts; ++part)
    acc[part] = hn::Zero(d);
  int64_t i = 0;
  for (; i + kLanes <= dim; i += kLanes)
    for (int64_t part = 0; part < kParts; ++part) {
      const FloatVec v = hn::LoadU(d, x + i + part * kWidth);
      acc[part] = fused(v, v, acc[part]);
    }
  if (i < dim) {
    HWY_ALIGN float rest[kLanes] = {};
    for (int64_t k = i; k < dim; ++k)
      rest[k - i] = x[k];
    for (int64_t part = 0; part < kParts; ++part) {
      const FloatVec v = hn::Load(d, rest + part * kWidth);
      acc[part] = fused(v, v, acc[part]);
    }
  }
  return join_lanes(acc);
}

void RmsNormRows(const RmsNormParams& params, int64_t begin, int64_t end) {
  const Floats d;
  const int64_t dim = params.dim;
  for (int64_t r = begin; r < end; ++r) {
    const float* x = params.x + r * params.x_stride;
    float* y = params.y + r * params.y_stride;
    const float mean = sum_of_squares(x, dim) / static_cast<float>(dim);
    const float f = 1 / __builtin_sqrtf(mean + params.eps);
    const float* weight = params.weight;
    int64_t i = 0;
    for (; i + kWidth <= dim; i += kWidth) {
      FloatVec v = hn::Mul(hn::LoadU(d, x + i), hn::Set(d, f));
      if (weight != nullptr)
        v = hn::Mul(v, hn::LoadU(d, weight + i));
      hn::StoreU(v, d, y + i);
    }
    for (; i < dim; ++i)
      y[i] = weight != nullptr ? x[i] * f * weight[i] : x[i] * f;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(RmsNormRows);

void rms_norm_cpu(const RmsNormParams& params, ThreadTeam& team) {
  team.parallel_for(params.rows, 1, [&](int64_t begin, int64_t end, int) {
    HWY_DYNAMIC_DISPATCH(RmsNormRows)(params, begin, end);
  });
}

}  // namespace hadal
#endif
