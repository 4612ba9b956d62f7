// Codes chosen one column after the other, each making good what the columns
// before it got wrong (affine_encode.h).
//
// Per-target header: included by files that foreach_target.h compiles once per
// instruction set.
#if defined(HADAL_KERNELS_CODECS_AFFINE_FEEDBACK_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_KERNELS_CODECS_AFFINE_FEEDBACK_INL_H_
#undef HADAL_KERNELS_CODECS_AFFINE_FEEDBACK_INL_H_
#else
#define HADAL_KERNELS_CODECS_AFFINE_FEEDBACK_INL_H_
#endif

#include "hwy/highway.h"

#include "kernels/codecs/affine_encode.h"
#include "kernels/codecs/affine_group.h"
#include "kernels/codecs/affine_search-inl.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// A row while its groups are encoded in turn. `targets` [cols] begins as the
// values; a group's targets are what its stored values should be, given the
// errors of the groups before.
struct FeedbackRow {
  const float* values;
  float* targets;
  int64_t cols;
  const ErrorMetric* metric;
};

// What one choice of codes gives.
struct FeedbackCodes {
  AffinePair pair{};
  float loss = 0;
  float codes[kLargestAffineGroup];
  float errors[kLargestAffineGroup];
};

HWY_INLINE int64_t least_of(int64_t a, int64_t b) {
  return a < b ? a : b;
}

// Where the block of a column ends.
HWY_INLINE int64_t block_end(const FeedbackRow& row, int64_t column) {
  const int64_t block = row.metric->block;
  return least_of(row.cols, column - column % block + block);
}

// The factors of a column, indexed by the columns of the row from `begin` on;
// `begin` lies in the column's block.
HWY_INLINE const float* factors_of(
    const FeedbackRow& row, int64_t column, int64_t begin) {
  const int64_t block = row.metric->block;
  return row.metric->factors + column * block + begin % block;
}

// to[k] += error * factors[k]
HWY_INLINE void add_scaled(
    float error, const float* factors, int64_t count, float* to) {
  const Floats d;
  const FloatVec e = hn::Set(d, error);
  for (int64_t k = 0; k < count; k += kWidth)
    hn::StoreU(
        fused(e, hn::LoadU(d, factors + k), hn::LoadU(d, to + k)), d, to + k);
}

// Codes of the group at column `at` for a stored pair. Column by column, so
// scalar numbers between the vectors.
HWY_NOINLINE void choose_codes(
    const FeedbackRow& row,
    const Group& group,
    int64_t at,
    FeedbackCodes& out) {
  float targets[kLargestAffineGroup];
  for (int64_t i = 0; i < group.count; ++i)
    targets[i] = group.values[i];
  const float scale = out.pair.scale;
  const float bias = out.pair.bias;
  out.loss = 0;
  for (int64_t i = 0; i < group.count; ++i) {
    float code = __builtin_rintf((targets[i] - bias) / scale);
    code = code > 0 ? code : 0;
    code = code < group.top ? code : group.top;
    const float stored = __builtin_fmaf(scale, code, bias);
    const float off = targets[i] - stored;
    out.codes[i] = code;
    out.errors[i] = row.values[at + i] - stored;
    out.loss += group.weights[i] * off * off;
    // From the register that holds the next column on; what lies before it has
    // a factor of zero or is done.
    const int64_t next = (i + 1) / kWidth * kWidth;
    const int64_t end = least_of(group.count, block_end(row, at + i) - at);
    if (next < end)
      add_scaled(
          out.errors[i],
          factors_of(row, at + i, at + next),
          end - next,
          targets + next);
  }
}

// What the columns after the group get from its errors.
HWY_NOINLINE void spread_errors(
    const FeedbackRow& row,
    int64_t at,
    int64_t count,
    const FeedbackCodes& chosen) {
  const Floats d;
  const int64_t begin = at + count;
  const int64_t end = block_end(row, begin - 1);
  if (begin >= end)
    return;
  // Columns of an earlier block say nothing about those after the group.
  const int64_t block = (begin - 1) / row.metric->block * row.metric->block;
  const int64_t first = block > at ? block : at;
  for (int64_t k = begin; k < end; k += kWidth) {
    FloatVec target = hn::LoadU(d, row.targets + k);
    for (int64_t i = first; i < begin; ++i)
      target = fused(
          hn::Set(d, chosen.errors[i - at]),
          hn::LoadU(d, factors_of(row, i, k)),
          target);
    hn::StoreU(target, d, row.targets + k);
  }
}

// With codes kept, the loss is that of y - scale * u - bias * v: each a vector
// of the group times the factors inside it. Scale and bias of least loss, or
// the same pair when there is none.
HWY_NOINLINE AffinePair refitted(
    const FeedbackRow& row,
    const Group& group,
    int64_t at,
    const FeedbackCodes& chosen) {
  const Floats d;
  HWY_ALIGN float u[kLargestAffineGroup] = {};
  HWY_ALIGN float v[kLargestAffineGroup] = {};
  HWY_ALIGN float y[kLargestAffineGroup];
  // The factor of a column to itself is one: targets hold the value already.
  for (int64_t i = 0; i < group.count; ++i)
    y[i] = group.values[i] - row.values[at + i];
  for (int64_t i = 0; i < group.count; ++i) {
    const int64_t own = i / kWidth * kWidth;
    const int64_t end = least_of(group.count, block_end(row, at + i) - at);
    const float* factors = factors_of(row, at + i, at + own);
    add_scaled(chosen.codes[i], factors, end - own, u + own);
    add_scaled(1, factors, end - own, v + own);
    add_scaled(row.values[at + i], factors, end - own, y + own);
  }
  FloatVec sums[5][kParts];
  for (auto& sum : sums)
    for (int64_t part = 0; part < kParts; ++part)
      sum[part] = hn::Zero(d);
  for (int64_t i = 0; i < group.count; i += kLanes)
    for (int64_t part = 0; part < kParts; ++part) {
      const int64_t k = i + part * kWidth;
      const FloatVec weight = hn::LoadU(d, group.weights + k);
      const FloatVec us = hn::Load(d, u + k);
      const FloatVec vs = hn::Load(d, v + k);
      const FloatVec ys = hn::Load(d, y + k);
      const FloatVec wu = hn::Mul(weight, us);
      const FloatVec wv = hn::Mul(weight, vs);
      sums[0][part] = fused(wu, us, sums[0][part]);
      sums[1][part] = fused(wu, vs, sums[1][part]);
      sums[2][part] = fused(wv, vs, sums[2][part]);
      sums[3][part] = fused(wu, ys, sums[3][part]);
      sums[4][part] = fused(wv, ys, sums[4][part]);
    }
  const float uu = join_lanes(sums[0]);
  const float uv = join_lanes(sums[1]);
  const float vv = join_lanes(sums[2]);
  const float uy = join_lanes(sums[3]);
  const float vy = join_lanes(sums[4]);
  const float spread = uu * vv - uv * uv;
  if (!(spread > 0) || !(vv > 0))
    return chosen.pair;
  const float scale = (uy * vv - uv * vy) / spread;
  return {scale, (vy - scale * uv) / vv};
}

// The pair and codes of a group: those of the search without the feedback
// inside the group, then refitted and chosen anew as long as it helps.
HWY_INLINE void encode_with_feedback(
    const FeedbackRow& row,
    const Group& group,
    int64_t at,
    ScaleFormat format,
    FeedbackCodes& best) {
  choose_codes(row, group, at, best);
  FeedbackCodes other;
  for (int round = 0; round < 4; ++round) {
    other.pair = refitted(row, group, at, best);
    other.pair.scale = stored_scale(format, other.pair.scale);
    other.pair.bias = stored_scale(format, other.pair.bias);
    if (other.pair.scale == 0)
      break;
    choose_codes(row, group, at, other);
    if (!(other.loss < best.loss))
      break;
    best = other;
  }
  spread_errors(row, at, group.count, best);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
