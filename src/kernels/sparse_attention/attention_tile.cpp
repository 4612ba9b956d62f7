// Vector loops over tiles of dot products (scores) and over blocks of channels
// (values).
#include "kernels/sparse_attention/attention_tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_attention/attention_tile.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"
#include "kernels/simd/math-inl.h"
#include "kernels/simd/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

void attention_widen_rows(
    RowFormat format,
    int64_t dim,
    int64_t rotary,
    const std::byte* const* rows,
    int64_t count,
    int64_t channels,
    float* out,
    int64_t stride) {
  for (int64_t i = 0; i < count; ++i) {
    float* row = out + i * stride;
    widen_row(format, dim, rotary, rows[i], row);
    for (int64_t c = dim; c < channels; ++c)
      row[c] = 0;
  }
}

void attention_scores_tile(
    const float* q,
    int64_t q_stride,
    int64_t heads,
    const float* const* keys,
    int64_t count,
    int64_t channels,
    float scale,
    float* scores,
    int64_t pitch) {
  HWY_ALIGN float sums[kDots];
  for (int64_t j = 0; j < count; j += kDotCols) {
    // At the edges the last key or head stands in for the missing ones.
    const float* columns[kDotCols];
    for (int64_t c = 0; c < kDotCols; ++c)
      columns[c] = keys[j + c < count ? j + c : count - 1];
    for (int64_t h = 0; h < heads; h += kDotRows) {
      const float* rows[kDotRows];
      for (int64_t r = 0; r < kDotRows; ++r)
        rows[r] = q + (h + r < heads ? h + r : heads - 1) * q_stride;
      dot_tile(rows, columns, channels, sums);
      for (int64_t r = 0; r < kDotRows && h + r < heads; ++r)
        for (int64_t c = 0; c < kDotCols && j + c < count; ++c)
          scores[(h + r) * pitch + j + c] = scale * sums[r * kDotCols + c];
    }
  }
}

// One head: scores to weights; returns the denominator.
HWY_INLINE float head_weights(float* scores, int64_t count, float sink) {
  const Floats d;
  const int64_t padded = (count + kLanes - 1) / kLanes * kLanes;
  const float minus_infinity = -__builtin_inff();
  for (int64_t j = count; j < padded; ++j)
    scores[j] = minus_infinity;

  FloatVec highest = hn::Set(d, sink);
  for (int64_t j = 0; j < padded; j += kWidth)
    highest = hn::Max(highest, hn::Load(d, scores + j));
  const FloatVec maximum = hn::MaxOfLanes(d, highest);

  FloatVec sums[kParts];
  for (int64_t part = 0; part < kParts; ++part)
    sums[part] = hn::Zero(d);
  for (int64_t j = 0; j < padded; j += kLanes)
    for (int64_t part = 0; part < kParts; ++part) {
      float* at = scores + j + part * kWidth;
      const FloatVec weight = exp_of(d, hn::Sub(hn::Load(d, at), maximum));
      hn::Store(weight, d, at);
      sums[part] = hn::Add(sums[part], weight);
    }
  const float sink_term =
      hn::GetLane(exp_of(d, hn::Sub(hn::Set(d, sink), maximum)));
  return join_lanes(sums) + sink_term;
}

void attention_weights_heads(
    float* scores,
    int64_t pitch,
    int64_t heads,
    int64_t count,
    const float* sink,
    float* denominators) {
  for (int64_t h = 0; h < heads; ++h)
    denominators[h] = head_weights(scores + h * pitch, count, sink[h]);
}

void attention_values_tile(
    const float* weights,
    int64_t pitch,
    int64_t heads,
    const float* const* keys,
    int64_t count,
    int64_t channels,
    bool first_tile,
    float* out,
    int64_t out_stride) {
  const Floats d;
  constexpr int64_t kHeads = 4;
  constexpr int64_t kVecs = kWidth == 8 ? 2 : 4;  // as the registers allow
  for (int64_t h = 0; h < heads; h += kHeads) {
    const float* rows[kHeads];
    for (int64_t r = 0; r < kHeads; ++r)
      rows[r] = weights + (h + r < heads ? h + r : heads - 1) * pitch;
    for (int64_t channel = 0; channel < channels; channel += kVecs * kWidth) {
      FloatVec acc[kHeads][kVecs];
      for (int64_t r = 0; r < kHeads; ++r)
        for (int64_t v = 0; v < kVecs; ++v)
          acc[r][v] = hn::Zero(d);
      for (int64_t j = 0; j < count; ++j) {
        FloatVec values[kVecs];
        for (int64_t v = 0; v < kVecs; ++v)
          values[v] = hn::LoadU(d, keys[j] + channel + v * kWidth);
        for (int64_t r = 0; r < kHeads; ++r) {
          const FloatVec weight = hn::Set(d, rows[r][j]);
          for (int64_t v = 0; v < kVecs; ++v)
            acc[r][v] = fused(weight, values[v], acc[r][v]);
        }
      }
      for (int64_t r = 0; r < kHeads && h + r < heads; ++r) {
        float* to = out + (h + r) * out_stride + channel;
        for (int64_t v = 0; v < kVecs; ++v) {
          FloatVec sum = acc[r][v];
          if (!first_tile)
            sum = hn::Add(hn::LoadU(d, to + v * kWidth), sum);
          hn::StoreU(sum, d, to + v * kWidth);
        }
      }
    }
  }
}

void attention_divide_heads(
    const float* denominators,
    int64_t heads,
    int64_t channels,
    float* out,
    int64_t out_stride) {
  const Floats d;
  for (int64_t h = 0; h < heads; ++h) {
    const FloatVec denominator = hn::Set(d, denominators[h]);
    float* row = out + h * out_stride;
    for (int64_t c = 0; c < channels; c += kWidth)
      hn::StoreU(hn::Div(hn::LoadU(d, row + c), denominator), d, row + c);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(attention_widen_rows);
HWY_EXPORT(attention_scores_tile);
HWY_EXPORT(attention_weights_heads);
HWY_EXPORT(attention_values_tile);
HWY_EXPORT(attention_divide_heads);

void attention_widen(
    const RowLayout& layout,
    const std::byte* const* rows,
    int64_t count,
    int64_t channels,
    float* out,
    int64_t stride) {
  HWY_DYNAMIC_DISPATCH(attention_widen_rows)
  (layout.format,
   layout.dim,
   layout.rotary,
   rows,
   count,
   channels,
   out,
   stride);
}

void attention_scores(
    const float* q,
    int64_t q_stride,
    int64_t heads,
    const float* const* keys,
    int64_t count,
    int64_t channels,
    float scale,
    float* scores,
    int64_t pitch) {
  HWY_DYNAMIC_DISPATCH(attention_scores_tile)
  (q, q_stride, heads, keys, count, channels, scale, scores, pitch);
}

void attention_weights(
    float* scores,
    int64_t pitch,
    int64_t heads,
    int64_t count,
    const float* sink,
    float* denominators) {
  HWY_DYNAMIC_DISPATCH(attention_weights_heads)
  (scores, pitch, heads, count, sink, denominators);
}

void attention_values(
    const float* weights,
    int64_t pitch,
    int64_t heads,
    const float* const* keys,
    int64_t count,
    int64_t channels,
    bool first_tile,
    float* out,
    int64_t out_stride) {
  HWY_DYNAMIC_DISPATCH(attention_values_tile)
  (weights, pitch, heads, keys, count, channels, first_tile, out, out_stride);
}

void attention_divide(
    const float* denominators,
    int64_t heads,
    int64_t channels,
    float* out,
    int64_t out_stride) {
  HWY_DYNAMIC_DISPATCH(attention_divide_heads)
  (denominators, heads, channels, out, out_stride);
}

}  // namespace hadal
#endif  // HWY_ONCE
