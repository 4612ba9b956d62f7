#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/codecs/affine_encode.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/highway.h"

#include "base/check.h"
#include "kernels/codecs/affine_encode.h"
#include "kernels/codecs/affine_feedback-inl.h"
#include "kernels/codecs/affine_group.h"
#include "kernels/codecs/affine_search-inl.h"
#include "kernels/codecs/affine_sweep-inl.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

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

// Fills in what the search needs of values and weights.
HWY_INLINE Group make_group(
    const float* values, const float* weights, int64_t count, float top) {
  Group group{values, weights, count, top, 0, 0, 0, 0};
  range_of(values, count, group.low, group.high);
  return group;
}

HWY_INLINE AffinePair searched_pair(
    Group& group, const float* ones, ScaleFormat format, AffinePair exact) {
  if (group.weights == nullptr ||
      !(sum_of(ones, group.weights, group.count) > 0))
    group.weights = ones;
  group.weight_sum = sum_of(ones, group.weights, group.count);
  group.value_sum = sum_of(group.values, group.weights, group.count);
  return search_pair(
      group,
      format,
      {stored_scale(format, exact.scale), stored_scale(format, exact.bias)});
}

// Groups in turn, each with the errors of those before; then all once more.
HWY_INLINE void encode_going_together(
    const AffineFormat& format,
    const float* row,
    const ErrorMetric& metric,
    int64_t cols,
    const float* ones,
    RowScratch& scratch,
    AffinePair* pairs) {
  const FeedbackRow whole{row, scratch.targets, cols, &metric};
  for (int64_t i = 0; i < cols; ++i)
    scratch.targets[i] = row[i];
  const int64_t count = format.group;
  const float top = static_cast<float>((1 << format.bits) - 1);
  for (int64_t at = 0; at < cols; at += count) {
    Group group =
        make_group(scratch.targets + at, metric.weights + at, count, top);
    FeedbackCodes best;
    best.pair = searched_pair(
        group,
        ones,
        format.scale_format,
        plain_affine_pair(group.low, group.high, top));
    encode_with_feedback(whole, group, at, format.scale_format, best);
    pairs[at / count] = best.pair;
    for (int64_t i = 0; i < count; ++i) {
      scratch.codes[at + i] = best.codes[i];
      scratch.errors[at + i] = best.errors[i];
    }
  }
  sweep_row(whole, format, top, scratch.codes, scratch.errors, pairs);
}

void encode_row(
    const AffineFormat& format,
    AffineRule rule,
    const float* row,
    const ErrorMetric& metric,
    int64_t cols,
    RowScratch& scratch,
    std::byte* codes,
    AffinePair* pairs) {
  float ones[kLargestAffineGroup];
  for (float& one : ones)
    one = 1;
  uint8_t wide[kLargestAffineGroup];
  const bool together = rule == AffineRule::search && metric.factors != nullptr;
  if (together)
    encode_going_together(format, row, metric, cols, ones, scratch, pairs);
  const int64_t count = format.group;
  const float top = static_cast<float>((1 << format.bits) - 1);
  for (int64_t at = 0; at < cols; at += count) {
    if (together) {
      for (int64_t i = 0; i < count; ++i)
        wide[i] = static_cast<uint8_t>(scratch.codes[at + i]);
    } else {
      Group group = make_group(
          row + at,
          metric.weights == nullptr ? nullptr : metric.weights + at,
          count,
          top);
      AffinePair pair = plain_affine_pair(group.low, group.high, top);
      if (rule == AffineRule::search)
        pair = searched_pair(group, ones, format.scale_format, pair);
      write_codes(group.values, count, pair, top, wide);
      pairs[at / count] = pair;
    }
    pack_affine(format.bits, wide, count, codes + at / 8 * format.bits);
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
    const ErrorMetric& metric,
    int64_t cols,
    std::byte* codes,
    std::byte* scales,
    std::byte* biases) {
  check_affine_format(format, cols);
  // Wide rows in parts, so that all scratch lies on the stack.
  constexpr int64_t kPart = RowScratch::kColumns;
  if (metric.factors != nullptr)
    HADAL_CHECK(
        metric.weights != nullptr && metric.products != nullptr &&
        metric.block % 32 == 0 && metric.block <= kLargestFeedbackBlock &&
        (cols <= kPart || kPart % metric.block == 0));
  AffinePair pairs[kPart / 32];
  RowScratch scratch;
  for (int64_t at = 0; at < cols; at += kPart) {
    const int64_t here = cols - at < kPart ? cols - at : kPart;
    ErrorMetric part = metric;
    if (part.weights != nullptr)
      part.weights += at;
    if (part.factors != nullptr) {
      part.factors += at * part.block;
      part.products += at * part.block;
    }
    HWY_DYNAMIC_DISPATCH(encode_row)
    (format,
     rule,
     row + at,
     part,
     here,
     scratch,
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
