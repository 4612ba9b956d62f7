// Stored rows widened to the form of attention_forms.h.
#include "kernels/sparse_attention/attention_forms.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/sparse_attention/attention_rows.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/bf16_pairs-inl.h"
#include "kernels/simd/lanes-inl.h"
#include "kernels/simd/rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Channels [first, first + count) of a stored row, in their natural order;
// first is a multiple of 64, count at most 64.
HWY_INLINE void widen_channels(
    const RowLayout& layout,
    const std::byte* row,
    int64_t first,
    int64_t count,
    float* HWY_RESTRICT out) {
  if (layout.format == RowFormat::f32) {
    __builtin_memcpy(
        out, row + 4 * first, static_cast<size_t>(count) * sizeof(float));
    return;
  }
  if (layout.format == RowFormat::bf16)
    return widen_bf16(row + 2 * first, count, out);
  const int64_t coded = layout.dim - layout.rotary;
  const std::byte* scales = row + coded;
  const std::byte* rotary = scales + (coded + 63) / 64;
  int64_t codes = coded - first < count ? coded - first : count;
  codes = codes < 0 ? 0 : codes;
  if (codes > 0)
    widen_e4m3(row + first, codes, scale_from_e8m0(scales[first / 64]), out);
  if (codes < count)
    widen_bf16(
        rotary + 2 * (first + codes - coded), count - codes, out + codes);
}

// 64 channels of any row; those from `valid` on are zero.
HWY_INLINE void any_channels(
    const RowLayout& layout,
    const std::byte* row,
    int64_t first,
    int64_t valid,
    int64_t blocks,
    int64_t block_stride,
    float* out) {
  const Floats d;
  HWY_ALIGN float wide[kChannelGroup];
  widen_channels(layout, row, first, valid, wide);
  for (int64_t c = valid; c < kChannelGroup; ++c)
    wide[c] = 0;
  for (int64_t b = 0; b < blocks; ++b)
    for (int64_t c = 0; c < 16; c += kWidth) {
      FloatVec even;
      FloatVec odd;
      hn::LoadInterleaved2(d, wide + b * kChannelBlock + 2 * c, even, odd);
      hn::Store(even, d, out + b * block_stride + c);
      hn::Store(odd, d, out + b * block_stride + 16 + c);
    }
}

#if HWY_TARGET == HWY_AVX3_DL
// 64 channels of an fp8 row that are all codes or all rotary.
HWY_INLINE void fp8_channels(
    const E4m3Decoder& decoder,
    const std::byte* row,
    int64_t coded,
    int64_t first,
    int64_t block_stride,
    float* out) {
  const Floats d;
  const Bytes d8;
  WordVec low;
  WordVec high;
  FloatVec scale = hn::Set(d, 1.0f);
  if (first < coded) {
    // The decoder works inside blocks of 16 bytes: eight codes of the first
    // half and eight of the second make a block.
    const hn::Repartition<uint64_t, Bytes> d64;
    HWY_ALIGN static constexpr uint64_t kOrder[8] = {0, 4, 1, 5, 2, 6, 3, 7};
    const ByteVec codes =
        hn::LoadU(d8, reinterpret_cast<const uint8_t*>(row + first));
    decoder.decode(
        hn::BitCast(
            d8,
            hn::TableLookupLanes(
                hn::BitCast(d64, codes), hn::SetTableIndices(d64, kOrder))),
        low,
        high);
    scale = hn::Set(d, scale_from_e8m0(row[coded + first / 64]));
  } else {
    const uint8_t* rotary = reinterpret_cast<const uint8_t*>(
        row + coded + coded / 64 + 2 * (first - coded));
    low = hn::BitCast(Words(), hn::LoadU(d8, rotary));
    high = hn::BitCast(Words(), hn::LoadU(d8, rotary + 64));
  }
  hn::Store(hn::Mul(even_of_pairs(low), scale), d, out);
  hn::Store(hn::Mul(odd_of_pairs(low), scale), d, out + 16);
  hn::Store(hn::Mul(even_of_pairs(high), scale), d, out + block_stride);
  hn::Store(hn::Mul(odd_of_pairs(high), scale), d, out + block_stride + 16);
}
#endif

void attention_widen_rows(
    const AttentionShape& shape,
    const RowLayout& layout,
    const std::byte* const* rows,
    int64_t count,
    int64_t group,
    int64_t slot_stride,
    int64_t block_stride,
    float* out) {
  const int64_t first = group * kChannelGroup;
  const int64_t left = shape.dim - first;
#if HWY_TARGET == HWY_AVX3_DL
  const int64_t coded = layout.dim - layout.rotary;
  if (layout.format == RowFormat::fp8 && coded % 64 == 0 &&
      left >= kChannelGroup) {
    constexpr int64_t kAhead = 8;
    const E4m3Decoder decoder;
    for (int64_t i = 0; i < count; ++i) {
      if (i + kAhead < count)
        __builtin_prefetch(rows[i + kAhead] + first);
      fp8_channels(
          decoder, rows[i], coded, first, block_stride, out + i * slot_stride);
    }
    return;
  }
#endif
  const int64_t valid = left < kChannelGroup ? left : kChannelGroup;
  const int64_t blocks = valid > kChannelBlock ? 2 : 1;
  for (int64_t i = 0; i < count; ++i)
    any_channels(
        layout,
        rows[i],
        first,
        valid,
        blocks,
        block_stride,
        out + i * slot_stride);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(attention_widen_rows);

void attention_rows(
    const AttentionShape& shape,
    const RowLayout& layout,
    const std::byte* const* rows,
    int64_t count,
    int64_t group,
    int64_t slot_stride,
    int64_t block_stride,
    float* out) {
  HWY_DYNAMIC_DISPATCH(attention_widen_rows)
  (shape, layout, rows, count, group, slot_stride, block_stride, out);
}

}  // namespace hadal
#endif  // HWY_ONCE
