// A token's queries turned, so that lanes are heads.
#include "kernels/sparse_attention/attention_forms.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_attention/attention_queries.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"
#include "kernels/simd/turn-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Even channels of every block first, then odd ones.
HWY_INLINE void split_channels(const float* in, int64_t count, float* out) {
  const Floats d;
  for (int64_t b = 0; b < count; b += kChannelBlock)
    for (int64_t c = 0; c < 16; c += kWidth) {
      FloatVec even;
      FloatVec odd;
      hn::LoadInterleaved2(d, in + b + 2 * c, even, odd);
      hn::StoreU(even, d, out + b + c);
      hn::StoreU(odd, d, out + b + 16 + c);
    }
}

// `scratch`: sixteen rows, the same half turned and turned, and a padded one.
void attention_turn_queries(
    const AttentionShape& shape,
    const float* q,
    float* scratch,
    float* queries) {
  const int64_t channels = shape.channels();
  float* const rows = scratch;
  float* const fours = rows + kHeadLanes * channels;
  float* const columns = fours + kHeadLanes * channels;
  float* const padded = columns + kHeadLanes * channels;
  for (int64_t first = 0; first < shape.padded_heads(); first += kHeadLanes) {
    for (int64_t h = 0; h < kHeadLanes; ++h) {
      const float* from = q + (first + h) * shape.dim;
      if (first + h >= shape.heads || channels != shape.dim) {
        const int64_t valid = first + h < shape.heads ? shape.dim : 0;
        for (int64_t c = 0; c < channels; ++c)
          padded[c] = c < valid ? from[c] : 0.0f;
        from = padded;
      }
      split_channels(from, channels, rows + h * channels);
    }
    turn_sixteen<float>(rows, channels, channels, fours, columns);
    for (int64_t c = 0; c < channels; ++c)
      __builtin_memcpy(
          queries + c * shape.padded_heads() + first,
          columns + c * kHeadLanes,
          kHeadLanes * sizeof(float));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(attention_turn_queries);

void attention_queries(
    const AttentionShape& shape,
    const float* q,
    float* scratch,
    float* queries) {
  HWY_DYNAMIC_DISPATCH(attention_turn_queries)(shape, q, scratch, queries);
}

}  // namespace hadal
#endif  // HWY_ONCE
