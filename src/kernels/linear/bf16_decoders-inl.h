// Weights as pairs of bfloat16 numbers in registers, for the dot product: one
// struct a format, as in weight_decoders-inl.h, with
//   group(rows, r, g): group g of row r
//
// Per-target header, see lanes-inl.h.
#if defined(HADAL_BF16_DECODERS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_BF16_DECODERS_INL_H_
#undef HADAL_BF16_DECODERS_INL_H_
#else
#define HADAL_BF16_DECODERS_INL_H_
#endif

#include "kernels/linear/float_tiles-inl.h"
#include "kernels/linear/weight_decoders-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3_DL

// A group of 64 columns as two vectors of pairs.
struct Pairs {
  WordVec low;
  WordVec high;
};

// Adds to the exponents of pairs; zeros, infinities and NaN stay as they are.
HWY_INLINE WordVec add_to_exponents(WordVec pairs, WordVec add) {
  const hn::Repartition<uint16_t, Floats> d;
  const auto v = hn::BitCast(d, pairs);
  const auto rank = hn::Sub(hn::Add(v, v), hn::Set(d, uint16_t{1}));
  const auto number = hn::Lt(rank, hn::Set(d, uint16_t{2 * 0x7F80 - 1}));
  const auto sum = hn::Add(v, hn::BitCast(d, add));
  return hn::BitCast(Words(), hn::IfThenElse(number, sum, v));
}

// Scales to what they add to an exponent in its place, twice in a word. A NaN
// cannot be added; the result is NaN then, else 0, for the sums to begin
// with.
HWY_INLINE float widen_exponents(float* scales, int64_t count) {
  const Floats d;
  const Words dw;
  const WordVec one = hn::Set(dw, 127U << 7);
  FloatVec worst = hn::Zero(d);
  for (int64_t i = 0; i < count; i += kWidth) {
    const FloatVec scale = limited_scale(hn::Load(d, scales + i));
    worst = hn::IfThenElse(hn::IsNaN(scale), scale, worst);
    const WordVec add =
        hn::Sub(hn::ShiftRight<16>(hn::BitCast(dw, scale)), one);
    const WordVec twice =
        hn::Or(hn::ShiftLeft<16>(add), hn::And(add, hn::Set(dw, 0xFFFFU)));
    hn::Store(hn::BitCast(d, twice), d, scales + i);
  }
  return hn::GetLane(hn::SumOfLanes(d, worst));
}

// E4M3 without scales.
struct CodesFp8 {
  static constexpr int kRowsAtOnce = 2;
  static constexpr int64_t kGroupBytes = 64;
  static constexpr bool kUnpacked = false;
  E4m3Decoder codes;

  HWY_INLINE Pairs group(const SourceRows& rows, int r, int64_t g) const {
    Pairs w;
    codes.decode(
        hn::LoadU(Bytes(), rows.data[r] + g * kGroupBytes), w.low, w.high);
    return w;
  }
};

// E4M3 with scales that are powers of two.
struct ScaledFp8 {
  static constexpr int kRowsAtOnce = 4;
  static constexpr int64_t kGroupBytes = 64;
  static constexpr bool kUnpacked = false;
  CodesFp8 codes;

  HWY_INLINE Pairs group(const SourceRows& rows, int r, int64_t g) const {
    const Pairs w = codes.group(rows, r, g);
    const WordVec add = hn::BitCast(
        Words(), scale_lanes(rows.scales[r], rows.scale_shift, g, 0));
    return {add_to_exponents(w.low, add), add_to_exponents(w.high, add)};
  }
};

// Weights below 2^-48 count as zero.
struct PlainBf16 {
  static constexpr int kRowsAtOnce = 1;
  static constexpr int64_t kGroupBytes = 128;
  static constexpr bool kUnpacked = false;

  HWY_INLINE Pairs group(const SourceRows& rows, int r, int64_t g) const {
    Pairs w;
    load_pairs(rows.data[r] + g * kGroupBytes, w.low, w.high);
    return {without_small(w.low), without_small(w.high)};
  }

 private:
  static HWY_INLINE WordVec without_small(WordVec pairs) {
    const hn::Repartition<uint16_t, Floats> d;
    const auto v = hn::BitCast(d, pairs);
    const auto least = hn::Set(d, static_cast<uint16_t>(2 * (127 - 48) << 7));
    return hn::BitCast(
        Words(), hn::IfThenZeroElse(hn::Lt(hn::Add(v, v), least), v));
  }
};

#endif  // HWY_TARGET == HWY_AVX3_DL

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
