// Stored rows (row_format.h) widened to float32 with vectors: the same values
// as decode_row, except that a zero of an fp4 row loses its sign.
//
// Per-target header, see lanes-inl.h.
#if defined(HADAL_KERNELS_SIMD_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_KERNELS_SIMD_ROWS_INL_H_
#undef HADAL_KERNELS_SIMD_ROWS_INL_H_
#else
#define HADAL_KERNELS_SIMD_ROWS_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/row_format.h"
#include "kernels/simd/lanes-inl.h"
#include "kernels/simd/lanes16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// 2^(code - 127); 255 is NaN.
HWY_INLINE float scale_from_e8m0(std::byte code) {
  const uint32_t exponent = static_cast<uint32_t>(code);
  uint32_t bits = exponent << 23;
  if (exponent == 0)
    bits = 0x00400000;
  if (exponent == 255)
    bits = 0x7FC00000;
  float scale;
  __builtin_memcpy(&scale, &bits, sizeof(scale));
  return scale;
}

// Sixteen numbers at a time; the rest goes through a padded copy.
HWY_INLINE void widen_bf16(const std::byte* in, int64_t count, float* out) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    store16(load16_bf16(in + 2 * i), out + i);
  if (i < count) {
    std::byte rest[2 * kLanes] = {};
    float values[kLanes];
    for (int64_t k = 2 * i; k < 2 * count; ++k)
      rest[k - 2 * i] = in[k];
    store16(load16_bf16(rest), values);
    for (int64_t k = i; k < count; ++k)
      out[k] = values[k - i];
  }
}

// `count` codes that share one scale.
HWY_INLINE void widen_e4m3(
    const std::byte* in, int64_t count, float scale, float* out) {
  const uint8_t* codes = reinterpret_cast<const uint8_t*>(in);
  const Lanes16 factor = set16(scale);
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes)
    store16(mul16(load16_e4m3(codes + i), factor), out + i);
  if (i < count) {
    uint8_t rest[kLanes] = {};
    float values[kLanes];
    for (int64_t k = i; k < count; ++k)
      rest[k - i] = codes[k];
    store16(mul16(load16_e4m3(rest), factor), values);
    for (int64_t k = i; k < count; ++k)
      out[k] = values[k - i];
  }
}

// One block of 32 codes, or a shorter one at the end of a row.
HWY_INLINE void widen_e2m1(
    const std::byte* in, int64_t count, float scale, float* out) {
  // Twice the value of every code is an integer.
  HWY_ALIGN static constexpr int8_t kTwice[16] = {
      0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
#if HWY_TARGET != HWY_SCALAR
  if (count == 32) {
    const Floats d;
    const hn::FixedTag<uint8_t, 16> bytes;
    const hn::FixedTag<int8_t, 16> twice;
    const hn::Rebind<int8_t, Floats> narrow;
    const hn::Rebind<int32_t, Floats> wide;
    const auto table = hn::Load(twice, kTwice);
    HWY_ALIGN uint8_t raw[16];
    __builtin_memcpy(raw, in, sizeof(raw));
    const auto pairs = hn::Load(bytes, raw);
    const auto low = hn::And(pairs, hn::Set(bytes, uint8_t{15}));
    const auto high = hn::ShiftRight<4>(pairs);
    HWY_ALIGN int8_t values[32];
    hn::Store(
        hn::TableLookupBytes(
            table, hn::BitCast(twice, hn::InterleaveLower(bytes, low, high))),
        twice,
        values);
    hn::Store(
        hn::TableLookupBytes(
            table, hn::BitCast(twice, hn::InterleaveUpper(bytes, low, high))),
        twice,
        values + 16);
    const FloatVec factor = hn::Set(d, 0.5f * scale);
    for (int64_t i = 0; i < 32; i += kWidth) {
      const auto integers = hn::PromoteTo(wide, hn::Load(narrow, values + i));
      hn::StoreU(hn::Mul(hn::ConvertTo(d, integers), factor), d, out + i);
    }
    return;
  }
#endif
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t pair = static_cast<uint32_t>(in[i / 2]);
    const uint32_t code = (i & 1) != 0 ? pair >> 4 : pair & 15;
    out[i] = static_cast<float>(kTwice[code]) * (0.5f * scale);
  }
}

// One stored row of `dim` channels, the last `rotary` of them rotating.
HWY_INLINE void widen_row(
    RowFormat format,
    int64_t dim,
    int64_t rotary,
    const std::byte* row,
    float* HWY_RESTRICT out) {
  switch (format) {
    case RowFormat::f32:
      __builtin_memcpy(out, row, static_cast<size_t>(dim) * sizeof(float));
      return;
    case RowFormat::bf16:
      widen_bf16(row, dim, out);
      return;
    case RowFormat::fp8: {
      const int64_t coded = dim - rotary;
      const std::byte* scale = row + coded;
      for (int64_t first = 0; first < coded; first += 64) {
        const int64_t count = coded - first < 64 ? coded - first : 64;
        widen_e4m3(row + first, count, scale_from_e8m0(*scale), out + first);
        ++scale;
      }
      widen_bf16(scale, rotary, out + coded);
      return;
    }
    case RowFormat::fp4: {
      const std::byte* scale = row + dim / 2;
      for (int64_t first = 0; first < dim; first += 32) {
        const int64_t count = dim - first < 32 ? dim - first : 32;
        widen_e2m1(
            row + first / 2, count, scale_from_e8m0(*scale), out + first);
        ++scale;
      }
      return;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
