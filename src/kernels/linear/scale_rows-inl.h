// The scales (or biases) of a weight row as float32, a vector at a time.
//
// Per-target header, see lanes-inl.h.
#if defined(HADAL_SCALE_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_SCALE_ROWS_INL_H_
#undef HADAL_SCALE_ROWS_INL_H_
#else
#define HADAL_SCALE_ROWS_INL_H_
#endif

#include "kernels/linear/weight_scales.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Columns that share a scale.
HWY_INLINE int64_t scale_width(const WeightView& view) {
  return view.format == WeightFormat::fp8_block ? 128
         : view.format == WeightFormat::affine  ? view.group
                                                : 32;
}

#if HWY_TARGET != HWY_SCALAR
// kWidth scales from index i on.
HWY_INLINE FloatVec
load_scales(ScaleFormat format, const std::byte* from, int64_t i) {
  const Floats d;
  const hn::RebindToUnsigned<Floats> d32;
  if (format == ScaleFormat::f32) {
    HWY_ALIGN float values[kWidth];
    __builtin_memcpy(values, from + 4 * i, sizeof(values));
    return hn::Load(d, values);
  }
  if (format == ScaleFormat::e8m0) {
    const hn::Rebind<uint8_t, Floats> d8;
    const auto code = hn::PromoteTo(
        d32, hn::LoadU(d8, reinterpret_cast<const uint8_t*>(from + i)));
    const auto least = hn::Set(d32, 0x00400000U);  // 2^-127
    const auto nan = hn::Set(d32, 0x7FC00000U);
    auto bits = hn::Max(hn::ShiftLeft<23>(code), least);
    bits = hn::IfThenElse(hn::Eq(code, hn::Set(d32, 255U)), nan, bits);
    return hn::BitCast(d, bits);
  }
  const hn::Rebind<uint16_t, Floats> d16;
  HWY_ALIGN uint16_t halves[kWidth];
  __builtin_memcpy(halves, from + 2 * i, sizeof(halves));
  const auto half = hn::Load(d16, halves);
  if (format == ScaleFormat::bf16)
    return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, half)));
  const hn::Rebind<hwy::float16_t, Floats> dh;
  return hn::PromoteTo(d, hn::BitCast(dh, half));
}
#endif

// Scale i of a row, i < the columns over scale_width, to out[i]; then zeros up
// to `room`. kBiases: the biases instead.
template <bool kBiases>
HWY_INLINE void widen_scale_row(
    const WeightView& view, int64_t row, float* out, int64_t room) {
  const int64_t width = scale_width(view);
  const int64_t count = (view.cols + width - 1) / width;
  int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const int64_t at = view.format == WeightFormat::fp8_block ? row / 128 : row;
  const std::byte* from =
      (kBiases ? view.biases : view.scales) + at * view.scale_stride;
  for (; i + kWidth <= count; i += kWidth)
    hn::StoreU(load_scales(view.scale_format, from, i), Floats(), out + i);
#endif
  for (; i < count; ++i)
    out[i] = kBiases ? weight_bias(view, row, i * width)
                     : weight_scale(view, row, i * width);
  for (; i < room; ++i)
    out[i] = 0;
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
