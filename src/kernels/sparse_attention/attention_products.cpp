// The two products of attention, register tiles of heads times slots (scores)
// and of heads times channels (values).
#include "kernels/sparse_attention/attention_forms.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_attention/attention_products.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// kVecs vectors of heads times kSlots slots; lanes are heads.
template <int64_t kVecs, int64_t kSlots>
HWY_INLINE void score_tile(
    const AttentionShape& shape,
    const float* queries,
    const float* keys,
    float scale,
    float* scores) {
  const Floats d;
  const int64_t heads = shape.padded_heads();
  const int64_t channels = shape.channels();
  FloatVec acc[kSlots][kVecs];
  for (int64_t s = 0; s < kSlots; ++s)
    for (int64_t v = 0; v < kVecs; ++v)
      acc[s][v] = hn::Zero(d);
  for (int64_t c = 0; c < channels; ++c) {
    FloatVec q[kVecs];
    for (int64_t v = 0; v < kVecs; ++v)
      q[v] = hn::Load(d, queries + c * heads + v * kWidth);
    for (int64_t s = 0; s < kSlots; ++s) {
      const FloatVec key = hn::Set(d, keys[s * channels + c]);
      for (int64_t v = 0; v < kVecs; ++v)
        acc[s][v] = fused(q[v], key, acc[s][v]);
    }
  }
  const FloatVec factor = hn::Set(d, scale);
  for (int64_t s = 0; s < kSlots; ++s)
    for (int64_t v = 0; v < kVecs; ++v)
      hn::Store(hn::Mul(factor, acc[s][v]), d, scores + s * heads + v * kWidth);
}

// Tiles of kSlots slots, then of two and of one.
template <int64_t kVecs, int64_t kSlots>
HWY_INLINE void score_slots(
    const AttentionShape& shape,
    const float* queries,
    const float* keys,
    int64_t count,
    float scale,
    float* scores) {
  const int64_t channels = shape.channels();
  const int64_t heads = shape.padded_heads();
  int64_t s = 0;
  for (; s + kSlots <= count; s += kSlots)
    score_tile<kVecs, kSlots>(
        shape, queries, keys + s * channels, scale, scores + s * heads);
  for (; s + 2 <= count; s += 2)
    score_tile<kVecs, 2>(
        shape, queries, keys + s * channels, scale, scores + s * heads);
  if (s < count)
    score_tile<kVecs, 1>(
        shape, queries, keys + s * channels, scale, scores + s * heads);
}

void attention_score_tiles(
    const AttentionShape& shape,
    const float* queries,
    const float* keys,
    int64_t count,
    float scale,
    float* scores) {
  // As many accumulators as the registers hold: 32 of 16 floats, 16 of 8.
  constexpr int64_t kMost = kWidth == 16 ? 4 : 2;
  constexpr int64_t kSlots = kWidth == 16 ? 6 : 4;
  const int64_t vecs = shape.padded_heads() / kWidth;
  int64_t v = 0;
  for (; v + kMost <= vecs; v += kMost)
    score_slots<kMost, kSlots>(
        shape, queries + v * kWidth, keys, count, scale, scores + v * kWidth);
  for (; v + 2 <= vecs; v += 2)
    score_slots<2, 2 * kSlots>(
        shape, queries + v * kWidth, keys, count, scale, scores + v * kWidth);
  for (; v < vecs; ++v)
    score_slots<1, 2 * kSlots>(
        shape, queries + v * kWidth, keys, count, scale, scores + v * kWidth);
}

// Heads that are held in registers, with an even and an odd vector of channels.
constexpr int64_t kValueHeads = kWidth == 16 ? 8 : 4;

// sums[h][0 .. 32) += the tile's partial sums for kValueHeads heads.
HWY_INLINE void add_tile(
    const float* values, const float* weights, int64_t count, float* sums) {
  const Floats d;
  for (int64_t c = 0; c < 16; c += kWidth) {
    FloatVec even[kValueHeads];
    FloatVec odd[kValueHeads];
    for (int64_t h = 0; h < kValueHeads; ++h) {
      even[h] = hn::Zero(d);
      odd[h] = hn::Zero(d);
    }
    for (int64_t s = 0; s < count; ++s) {
      const FloatVec even_values = hn::Load(d, values + s * kChannelBlock + c);
      const FloatVec odd_values =
          hn::Load(d, values + s * kChannelBlock + 16 + c);
      for (int64_t h = 0; h < kValueHeads; ++h) {
        const FloatVec weight = hn::Set(d, weights[s * kHeadBlock + h]);
        even[h] = fused(weight, even_values, even[h]);
        odd[h] = fused(weight, odd_values, odd[h]);
      }
    }
    for (int64_t h = 0; h < kValueHeads; ++h) {
      float* to = sums + h * kChannelBlock + c;
      hn::Store(hn::Add(hn::Load(d, to), even[h]), d, to);
      hn::Store(hn::Add(hn::Load(d, to + 16), odd[h]), d, to + 16);
    }
  }
}

// Channels in their natural order again, and divided.
HWY_INLINE void finish_channels(
    const float* sums, float denominator, float* out) {
  const Floats d;
  const FloatVec divisor = hn::Set(d, denominator);
  for (int64_t c = 0; c < 16; c += kWidth)
    hn::StoreInterleaved2(
        hn::Div(hn::Load(d, sums + c), divisor),
        hn::Div(hn::Load(d, sums + 16 + c), divisor),
        d,
        out + 2 * c);
}

// As in rotate_heads.cpp: every product and the sum are rounded.
HWY_INLINE void rotate_channels(
    const float* cosines, const float* sines, int64_t count, float* x) {
  int64_t c = 0;
#if HWY_TARGET != HWY_SCALAR
  const Floats d;
  for (; c + kWidth <= count; c += kWidth) {
    const FloatVec v = hn::LoadU(d, x + c);
    const FloatVec straight = hn::Mul(v, hn::LoadU(d, cosines + c));
    const FloatVec crossed =
        hn::Mul(hn::Shuffle2301(v), hn::LoadU(d, sines + c));
    hn::StoreU(hn::Add(straight, crossed), d, x + c);
  }
#endif
  for (; c < count; c += 2) {
    const float a = x[c];
    const float b = x[c + 1];
    x[c] = a * cosines[c] + b * sines[c];
    x[c + 1] = b * cosines[c + 1] + a * sines[c + 1];
  }
}

void attention_add_tiles(
    const AttentionShape& shape,
    const float* values,
    const float* weights,
    int64_t weight_stride,
    int64_t count,
    float* sums) {
  for (int64_t h = 0; h < shape.padded_heads(); h += kValueHeads) {
    const float* of_heads =
        weights + h / kHeadBlock * weight_stride + h % kHeadBlock;
    add_tile(values, of_heads, count, sums + h * kChannelBlock);
  }
}

void attention_finish_block(
    const AttentionShape& shape,
    const float* sums,
    const float* denominators,
    const AttentionRotation& rotation,
    int64_t block,
    float* out) {
  const int64_t channel = block * kChannelBlock;
  const int64_t plain = shape.dim - rotation.channels;
  const int64_t valid =
      shape.dim - channel < kChannelBlock ? shape.dim - channel : kChannelBlock;
  const int64_t rotated = plain > channel ? plain - channel : 0;
  for (int64_t h = 0; h < shape.heads; ++h) {
    HWY_ALIGN float channels[kChannelBlock];
    finish_channels(sums + h * kChannelBlock, denominators[h], channels);
    if (rotated < valid)
      rotate_channels(
          rotation.cosines + (channel + rotated - plain),
          rotation.sines + (channel + rotated - plain),
          valid - rotated,
          channels + rotated);
    __builtin_memcpy(
        out + h * shape.dim + channel,
        channels,
        static_cast<size_t>(valid) * sizeof(float));
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(attention_score_tiles);
HWY_EXPORT(attention_add_tiles);
HWY_EXPORT(attention_finish_block);

void attention_scores(
    const AttentionShape& shape,
    const float* queries,
    const float* keys,
    int64_t count,
    float scale,
    float* scores) {
  HWY_DYNAMIC_DISPATCH(attention_score_tiles)
  (shape, queries, keys, count, scale, scores);
}

void attention_add(
    const AttentionShape& shape,
    const float* values,
    const float* weights,
    int64_t weight_stride,
    int64_t count,
    float* sums) {
  HWY_DYNAMIC_DISPATCH(attention_add_tiles)
  (shape, values, weights, weight_stride, count, sums);
}

void attention_finish(
    const AttentionShape& shape,
    const float* sums,
    const float* denominators,
    const AttentionRotation& rotation,
    int64_t block,
    float* out) {
  HWY_DYNAMIC_DISPATCH(attention_finish_block)
  (shape, sums, denominators, rotation, block, out);
}

}  // namespace hadal
#endif  // HWY_ONCE
