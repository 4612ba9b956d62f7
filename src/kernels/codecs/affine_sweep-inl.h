// A row's codes, scales and biases improved in turn until nothing helps, with
// what goes together over a whole block (affine_encode.h).
//
// Per-target header: included by files that foreach_target.h compiles once per
// instruction set.
#if defined(HADAL_KERNELS_CODECS_AFFINE_SWEEP_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_KERNELS_CODECS_AFFINE_SWEEP_INL_H_
#undef HADAL_KERNELS_CODECS_AFFINE_SWEEP_INL_H_
#else
#define HADAL_KERNELS_CODECS_AFFINE_SWEEP_INL_H_
#endif

#include "hwy/highway.h"

#include "kernels/codecs/affine_encode.h"
#include "kernels/codecs/affine_feedback-inl.h"
#include "kernels/codecs/affine_group.h"
#include "kernels/codecs/affine_search-inl.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// A block of a row: columns [begin, begin + count). The cost of its errors e is
// e H e with H = R R^T; slopes = H e, half the cost's derivative.
struct SweepBlock {
  const float* values;
  const float* products;  // H, rows `stride` apart
  int64_t stride;
  int64_t begin;
  int64_t count;
  int64_t group;
  float top;
  float* codes;
  float* errors;
  float* slopes;
  AffinePair* pairs;  // of the row's groups
};

// Makes the error of a column larger by `change`.
HWY_INLINE void change_error(const SweepBlock& block, int64_t i, float change) {
  block.errors[i] += change;
  add_scaled(
      change, block.products + i * block.stride, block.count, block.slopes);
}

// Every code in turn moves to where the cost is least. Returns whether one did.
HWY_NOINLINE bool improve_codes(const SweepBlock& block) {
  bool any = false;
  for (int64_t i = 0; i < block.count; ++i) {
    const AffinePair pair = block.pairs[(block.begin + i) / block.group];
    const float curve = block.products[i * block.stride + i] * pair.scale;
    const float code = block.codes[i];
    float wanted = code + __builtin_rintf(block.slopes[i] / curve);
    wanted = wanted > 0 ? wanted : 0;
    wanted = wanted < block.top ? wanted : block.top;
    if (wanted == code)
      continue;
    block.codes[i] = wanted;
    const float stored = __builtin_fmaf(pair.scale, wanted, pair.bias);
    change_error(block, i, block.values[i] - stored - block.errors[i]);
    any = true;
  }
  return any;
}

// out[k] = sum over i of H[i, k] * v[i], both in the group at `at`.
HWY_INLINE void group_products(
    const SweepBlock& block, int64_t at, const float* v, float* out) {
  for (int64_t k = 0; k < block.group; ++k)
    out[k] = 0;
  for (int64_t i = 0; i < block.group; ++i)
    add_scaled(
        v[i], block.products + (at + i) * block.stride + at, block.group, out);
}

// Scale and bias of the group at `at` of the block, codes kept: those of least
// cost, rounded, where that is less.
HWY_NOINLINE bool improve_pair(
    const SweepBlock& block, int64_t at, ScaleFormat format) {
  const int64_t n = block.group;
  const float* codes = block.codes + at;
  const float* slopes = block.slopes + at;
  HWY_ALIGN float ones[kLargestAffineGroup];
  HWY_ALIGN float by_codes[kLargestAffineGroup];
  HWY_ALIGN float by_ones[kLargestAffineGroup];
  for (int64_t i = 0; i < n; ++i)
    ones[i] = 1;
  group_products(block, at, codes, by_codes);
  group_products(block, at, ones, by_ones);
  const float cc = sum_of(codes, by_codes, n);
  const float co = sum_of(codes, by_ones, n);
  const float oo = sum_of(ones, by_ones, n);
  const float cs = sum_of(codes, slopes, n);
  const float os = sum_of(ones, slopes, n);
  const float spread = cc * oo - co * co;
  if (!(spread > 0))
    return false;
  AffinePair& pair = block.pairs[(block.begin + at) / n];
  const AffinePair next{
      stored_scale(format, pair.scale + (cs * oo - co * os) / spread),
      stored_scale(format, pair.bias + (cc * os - co * cs) / spread)};
  if (next.scale == 0 || (next.scale == pair.scale && next.bias == pair.bias))
    return false;
  HWY_ALIGN float changes[kLargestAffineGroup];
  for (int64_t i = 0; i < n; ++i)
    changes[i] = block.values[at + i] -
                 __builtin_fmaf(next.scale, codes[i], next.bias) -
                 block.errors[at + i];
  group_products(block, at, changes, by_codes);
  if (!(2 * sum_of(changes, slopes, n) + sum_of(changes, by_codes, n) < 0))
    return false;
  pair = next;
  for (int64_t i = 0; i < n; ++i)
    change_error(block, at + i, changes[i]);
  return true;
}

// Improves a row that was encoded with feedback.
HWY_INLINE void sweep_row(
    const FeedbackRow& row,
    const AffineFormat& format,
    float top,
    float* codes,
    float* errors,
    AffinePair* pairs) {
  constexpr int kSweeps = 4;
  const int64_t width = row.metric->block;
  if (width % format.group != 0)
    return;
  HWY_ALIGN float slopes[kLargestFeedbackBlock];
  for (int64_t begin = 0; begin < row.cols; begin += width) {
    const int64_t count = least_of(width, row.cols - begin);
    const SweepBlock block{
        row.values + begin,
        row.metric->products + begin * width,
        width,
        begin,
        count,
        format.group,
        top,
        codes + begin,
        errors + begin,
        slopes,
        pairs};
    for (int64_t k = 0; k < count; ++k)
      slopes[k] = 0;
    for (int64_t i = 0; i < count; ++i)
      add_scaled(errors[begin + i], block.products + i * width, count, slopes);
    for (int sweep = 0; sweep < kSweeps; ++sweep) {
      bool any = improve_codes(block);
      for (int64_t at = 0; at < count; at += format.group)
        any = improve_pair(block, at, format.scale_format) || any;
      if (!any)
        break;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
