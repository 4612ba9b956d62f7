#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/codecs/affine_encode.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

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

HWY_INLINE void write_codes(
    const float* values,
    int64_t count,
    AffinePair pair,
    float top,
    uint8_t* codes) {
  const Floats d;
  const hn::Rebind<uint8_t, Floats> d8;
  const FloatVec scale = hn::Set(d, pair.scale);
  const FloatVec bias = hn::Set(d, pair.bias);
  const FloatVec tops = hn::Set(d, top);
  for (int64_t i = 0; i < count; i += kWidth)
    hn::StoreU(
        hn::DemoteTo(
            d8,
            hn::NearestInt(
                code_of(hn::LoadU(d, values + i), bias, scale, tops))),
        d8,
        codes + i);
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

HWY_INLINE AffinePair
search_pair(const Group& group, ScaleFormat format, AffinePair plain) {
  Candidate best{plain, error_of(group, plain)};
  if (!(group.high > group.low) || best.error == 0)
    return plain;
  const float middle = 0.5F * (group.low + group.high);
  const float width = group.high - group.low;
  const SearchWidths widths = search_widths(group.top);
  for (int i = 0; i < widths.count; ++i) {
    const float share = widths.first - static_cast<float>(i) * widths.step;
    AffinePair pair;
    pair.scale = share * width / group.top;
    pair.bias = middle - 0.5F * share * width;
    for (int turn = 0; turn < 3; ++turn)
      pair = least_squares(group, pair);
    consider_rounded(group, format, pair, best);
  }
  polish(group, format, best);
  return best.pair;
}

void encode_row(
    const AffineFormat& format,
    AffineRule rule,
    const float* row,
    const float* weights,
    int64_t cols,
    std::byte* codes,
    AffinePair* pairs) {
  float ones[kLargestAffineGroup];
  for (float& one : ones)
    one = 1;
  uint8_t wide[kLargestAffineGroup];
  const int64_t count = format.group;
  const float top = static_cast<float>((1 << format.bits) - 1);
  for (int64_t at = 0; at < cols; at += count) {
    Group group{row + at, ones, count, top, 0, 0, 0, 0};
    range_of(group.values, count, group.low, group.high);
    const AffinePair exact = plain_affine_pair(group.low, group.high, top);
    AffinePair pair = exact;
    if (rule == AffineRule::search) {
      if (weights != nullptr && sum_of(ones, weights + at, count) > 0)
        group.weights = weights + at;
      group.weight_sum = sum_of(ones, group.weights, count);
      group.value_sum = sum_of(group.values, group.weights, count);
      pair = search_pair(
          group,
          format.scale_format,
          {stored_scale(format.scale_format, exact.scale),
           stored_scale(format.scale_format, exact.bias)});
    }
    write_codes(group.values, count, pair, top, wide);
    pack_affine(format.bits, wide, count, codes + at / 8 * format.bits);
    pairs[at / count] = pair;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {
HWY_EXPORT(encode_row);

void encode_affine_row(
    const AffineFormat& format,
    AffineRule rule,
    const float* row,
    const float* weights,
    int64_t cols,
    std::byte* codes,
    std::byte* scales,
    std::byte* biases) {
  check_affine_format(format, cols);
  // Wide rows in parts, so that the pairs lie on the stack.
  constexpr int64_t kPart = 4096;
  AffinePair pairs[kPart / 32];
  for (int64_t at = 0; at < cols; at += kPart) {
    const int64_t here = cols - at < kPart ? cols - at : kPart;
    HWY_DYNAMIC_DISPATCH(encode_row)
    (format,
     rule,
     row + at,
     weights == nullptr ? nullptr : weights + at,
     here,
     codes + at / 8 * format.bits,
     pairs);
    for (int64_t g = 0; g < here / format.group; ++g) {
      const int64_t place = at / format.group + g;
      store_scale(format.scale_format, pairs[g].scale, scales, place);
      store_scale(format.scale_format, pairs[g].bias, biases, place);
    }
  }
}

}  // namespace hadal
#endif
