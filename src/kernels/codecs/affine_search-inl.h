// The search for one group's scale and bias (affine_encode.h), given values and
// how much an error in each counts.
//
// Per-target header: included by files that foreach_target.h compiles once per
// instruction set.
#if defined(HADAL_KERNELS_CODECS_AFFINE_SEARCH_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_KERNELS_CODECS_AFFINE_SEARCH_INL_H_
#undef HADAL_KERNELS_CODECS_AFFINE_SEARCH_INL_H_
#else
#define HADAL_KERNELS_CODECS_AFFINE_SEARCH_INL_H_
#endif

#include "hwy/highway.h"

#include "kernels/codecs/affine_encode.h"
#include "kernels/codecs/affine_group.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// What least squares needs of a group under a choice of codes, each weighted.
struct Moments {
  float q = 0;   // of the codes
  float qq = 0;  // of their squares
  float qw = 0;  // of codes times values
};

// The group that is encoded, and what of it does not depend on the codes.
struct Group {
  const float* values;
  const float* weights;  // never null
  int64_t count;         // 32, 64 or 128
  float top;             // the largest code
  float weight_sum;
  float value_sum;  // weighted
  float low;
  float high;
};

HWY_INLINE FloatVec
code_of(FloatVec value, FloatVec bias, FloatVec scale, FloatVec top) {
  const Floats d;
  const FloatVec code = hn::Round(hn::Div(hn::Sub(value, bias), scale));
  return hn::Min(hn::Max(code, hn::Zero(d)), top);
}

HWY_INLINE void range_of(
    const float* values, int64_t count, float& low, float& high) {
  const Floats d;
  FloatVec least = hn::LoadU(d, values);
  FloatVec most = least;
  for (int64_t i = kWidth; i < count; i += kWidth) {
    const FloatVec v = hn::LoadU(d, values + i);
    least = hn::Min(least, v);
    most = hn::Max(most, v);
  }
  low = hn::GetLane(hn::MinOfLanes(d, least));
  high = hn::GetLane(hn::MaxOfLanes(d, most));
}

// The codes of a pair, as sums.
HWY_NOINLINE Moments moments_of(const Group& group, AffinePair pair) {
  const Floats d;
  const FloatVec scale = hn::Set(d, pair.scale);
  const FloatVec bias = hn::Set(d, pair.bias);
  const FloatVec top = hn::Set(d, group.top);
  FloatVec q[kParts];
  FloatVec qq[kParts];
  FloatVec qw[kParts];
  for (int64_t part = 0; part < kParts; ++part)
    q[part] = qq[part] = qw[part] = hn::Zero(d);
  for (int64_t i = 0; i < group.count; i += kLanes)
    for (int64_t part = 0; part < kParts; ++part) {
      const int64_t at = i + part * kWidth;
      const FloatVec value = hn::LoadU(d, group.values + at);
      const FloatVec code = code_of(value, bias, scale, top);
      const FloatVec weighted = hn::Mul(hn::LoadU(d, group.weights + at), code);
      q[part] = hn::Add(q[part], weighted);
      qq[part] = fused(weighted, code, qq[part]);
      qw[part] = fused(weighted, value, qw[part]);
    }
  return {join_lanes(q), join_lanes(qq), join_lanes(qw)};
}

// The weighted squared error of what is stored.
HWY_NOINLINE float error_of(const Group& group, AffinePair pair) {
  const Floats d;
  const FloatVec scale = hn::Set(d, pair.scale);
  const FloatVec bias = hn::Set(d, pair.bias);
  const FloatVec top = hn::Set(d, group.top);
  FloatVec sum[kParts];
  for (int64_t part = 0; part < kParts; ++part)
    sum[part] = hn::Zero(d);
  for (int64_t i = 0; i < group.count; i += kLanes)
    for (int64_t part = 0; part < kParts; ++part) {
      const int64_t at = i + part * kWidth;
      const FloatVec value = hn::LoadU(d, group.values + at);
      const FloatVec stored =
          fused(scale, code_of(value, bias, scale, top), bias);
      const FloatVec off = hn::Sub(value, stored);
      const FloatVec weighted = hn::Mul(hn::LoadU(d, group.weights + at), off);
      sum[part] = fused(weighted, off, sum[part]);
    }
  return join_lanes(sum);
}

HWY_NOINLINE float sum_of(
    const float* values, const float* weights, int64_t count) {
  const Floats d;
  FloatVec sum[kParts];
  for (int64_t part = 0; part < kParts; ++part)
    sum[part] = hn::Zero(d);
  for (int64_t i = 0; i < count; i += kLanes)
    for (int64_t part = 0; part < kParts; ++part) {
      const int64_t at = i + part * kWidth;
      sum[part] = fused(
          hn::LoadU(d, values + at), hn::LoadU(d, weights + at), sum[part]);
    }
  return join_lanes(sum);
}

// Scale and bias of least error for the codes that `pair` gives; `pair` itself
// when all codes are the same.
HWY_INLINE AffinePair least_squares(const Group& group, AffinePair pair) {
  const Moments m = moments_of(group, pair);
  const float spread = group.weight_sum * m.qq - m.q * m.q;
  if (!(spread > 0))
    return pair;
  const float scale =
      (group.weight_sum * m.qw - m.q * group.value_sum) / spread;
  if (!(scale > 0))
    return pair;
  return {scale, (group.value_sum - scale * m.q) / group.weight_sum};
}

// The best bias for the codes that `pair` gives, scale kept.
HWY_INLINE float best_bias(const Group& group, AffinePair pair) {
  const Moments m = moments_of(group, pair);
  return (group.value_sum - pair.scale * m.q) / group.weight_sum;
}

struct Candidate {
  AffinePair pair;  // as stored
  float error;
};

HWY_INLINE void consider(const Group& group, AffinePair pair, Candidate& best) {
  if (pair.scale == 0)
    return;
  const float error = error_of(group, pair);
  if (error < best.error)
    best = {pair, error};
}

// Rounds the scale, then chooses the bias anew for it.
HWY_INLINE void consider_rounded(
    const Group& group, ScaleFormat format, AffinePair pair, Candidate& best) {
  pair.scale = stored_scale(format, pair.scale);
  if (pair.scale == 0)
    return;
  pair.bias = stored_scale(format, best_bias(group, pair));
  consider(group, pair, best);
}

// The neighbours of the stored numbers, until none is better.
HWY_INLINE void polish(
    const Group& group, ScaleFormat format, Candidate& best) {
  for (int round = 0; round < 4; ++round) {
    const AffinePair pair = best.pair;
    const float before = best.error;
    for (int step = -1; step <= 1; ++step) {
      const float scale = neighbour_scale(format, pair.scale, step);
      consider_rounded(group, format, {scale, pair.bias}, best);
      for (int shift = -1; shift <= 1; ++shift)
        consider(
            group, {scale, neighbour_scale(format, pair.bias, shift)}, best);
    }
    if (!(best.error < before))
      return;
  }
}

// What becomes of a range whose ends are the lowest and the highest code.
HWY_INLINE void consider_range(
    const Group& group,
    ScaleFormat format,
    float low,
    float width,
    Candidate& best) {
  AffinePair pair{width / group.top, low};
  for (int turn = 0; turn < 3; ++turn)
    pair = least_squares(group, pair);
  consider_rounded(group, format, pair, best);
}

HWY_INLINE AffinePair
search_pair(const Group& group, ScaleFormat format, AffinePair plain) {
  Candidate best{plain, error_of(group, plain)};
  if (!(group.high > group.low) || best.error == 0)
    return plain;
  const float width = group.high - group.low;
  const SearchRanges ranges = search_ranges(group.top);
  for (int i = 0; i < ranges.widths; ++i) {
    const float kept =
        (ranges.first - static_cast<float>(i) * ranges.step) * width;
    const float low = 0.5F * (group.low + group.high) - 0.5F * kept;
    consider_range(group, format, low, kept, best);
  }
  for (int i = 1; i <= ranges.cuts; ++i) {
    const float kept = (1 - static_cast<float>(i) * ranges.cut) * width;
    consider_range(group, format, group.low, kept, best);
    consider_range(group, format, group.high - kept, kept, best);
  }
  polish(group, format, best);
  return best.pair;
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
