#include "kernels/activation_rounding/block_rounding.h"

#include "kernels/codecs/number_formats.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/activation_rounding/block_rounding.cpp"
#include "hwy/foreach_target.h"  // before highway.h

#include "hwy/highway.h"

#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

using Ints = hn::RebindToSigned<Floats>;
using IntVec = hn::Vec<Ints>;

// A number format with kMantissa mantissa bits whose smallest normal number is
// 2^kMinExponent.
template <int kMantissa, int kMinExponent>
struct Format {
  // Magnitudes at most the format's largest, to nearest even.
  static HWY_INLINE FloatVec round(FloatVec magnitude) {
    const Floats d;
    const Ints di;
    constexpr int kCut = 23 - kMantissa;
    const IntVec bits = hn::BitCast(di, magnitude);
    const IntVec odd = hn::And(hn::ShiftRight<kCut>(bits), hn::Set(di, 1));
    const IntVec up =
        hn::Add(hn::Add(bits, hn::Set(di, (1 << (kCut - 1)) - 1)), odd);
    const FloatVec normal =
        hn::BitCast(d, hn::AndNot(hn::Set(di, (1 << kCut) - 1), up));
    // Below the normal numbers the step is fixed: the sum with 1.5 * 2^23 steps
    // rounds to it.
    constexpr int kStep = kMinExponent - kMantissa;
    const FloatVec shift =
        hn::BitCast(d, hn::Set(di, ((kStep + 23 + 127) << 23) | 0x400000));
    const FloatVec small = hn::Sub(hn::Add(magnitude, shift), shift);
    const FloatVec least =
        hn::BitCast(d, hn::Set(di, (kMinExponent + 127) << 23));
    return hn::IfThenElse(hn::Lt(magnitude, least), small, normal);
  }
};
using E4m3 = Format<3, -6>;
using E2m1 = Format<1, 0>;

// x = round(x / scale) * scale; scale is a power of two or NaN.
template <class F>
HWY_INLINE FloatVec round_trip(FloatVec x, float scale, float largest) {
  const Floats d;
  const FloatVec magnitude =
      hn::Mul(hn::Abs(x), hn::Set(d, 1 / scale));  // exactly |x| / scale
  const FloatVec code = F::round(hn::Min(magnitude, hn::Set(d, largest)));
  return hn::Mul(hn::CopySign(code, x), hn::Set(d, scale));
}

// As largest_magnitude, for a multiple of kWidth values.
HWY_INLINE float largest_of(const float* x, int64_t count) {
  const Floats d;
  const Ints di;
  IntVec largest = hn::Zero(di);
  for (int64_t i = 0; i < count; i += kWidth)
    largest = hn::Max(largest, hn::BitCast(di, hn::Abs(hn::LoadU(d, x + i))));
  const int32_t bits = hn::GetLane(hn::MaxOfLanes(di, largest));
  float amax;
  __builtin_memcpy(&amax, &bits, sizeof(amax));
  return amax;
}

void RoundFp8Row(float* x, int64_t cols, int64_t block) {
  const Floats d;
  for (int64_t k = 0; k < cols; k += block) {
    const int64_t count = cols - k < block ? cols - k : block;
    float* values = x + k;
    if (count % kLanes == 0) {
      const float scale = fp8_block_scale(largest_of(values, count));
      for (int64_t i = 0; i < count; i += kWidth)
        hn::StoreU(
            round_trip<E4m3>(hn::LoadU(d, values + i), scale, 448.0F),
            d,
            values + i);
    } else {
      const float scale = fp8_block_scale(largest_magnitude(values, count));
      for (int64_t i = 0; i < count; ++i)
        values[i] = e4m3_to_float(float_to_e4m3(values[i] / scale)) * scale;
    }
  }
}

// Every element of v and its partner h lanes away, h < kWidth: sums in the
// lanes without bit h, differences in those with it.
template <int h>
HWY_INLINE FloatVec butterfly(FloatVec v, FloatVec partner) {
  const Floats d;
  const Ints di;
  const IntVec bit = hn::And(hn::Iota(di, 0), hn::Set(di, h));
  const IntVec sign = hn::IfThenElse(
      hn::Eq(bit, hn::Zero(di)),
      hn::Zero(di),
      hn::Set(di, static_cast<int32_t>(0x80000000)));
  return hn::Add(partner, hn::BitCast(d, hn::Xor(hn::BitCast(di, v), sign)));
}

HWY_INLINE FloatVec butterflies_inside(FloatVec v) {
#if HWY_TARGET != HWY_SCALAR
  v = butterfly<1>(v, hn::Shuffle2301(v));
  v = butterfly<2>(v, hn::Shuffle1032(v));
#if HWY_MAX_BYTES >= 32
  v = butterfly<4>(v, hn::SwapAdjacentBlocks(v));
#endif
#if HWY_MAX_BYTES == 64
  v = butterfly<8>(v, hn::ConcatLowerUpper(Floats(), v, v));
#endif
#endif
  return v;
}

void HadamardFp4Row(float* x, int64_t dim, float factor) {
  const Floats d;
  for (int64_t i = 0; i < dim; i += kWidth)
    hn::StoreU(butterflies_inside(hn::LoadU(d, x + i)), d, x + i);
  for (int64_t h = kWidth; h < dim; h *= 2)
    for (int64_t first = 0; first < dim; first += 2 * h)
      for (int64_t i = first; i < first + h; i += kWidth) {
        const FloatVec a = hn::LoadU(d, x + i);
        const FloatVec b = hn::LoadU(d, x + i + h);
        hn::StoreU(hn::Add(a, b), d, x + i);
        hn::StoreU(hn::Sub(a, b), d, x + i + h);
      }
  for (int64_t k = 0; k < dim; k += 32) {
    float* values = x + k;
    for (int64_t i = 0; i < 32; i += kWidth)
      hn::StoreU(
          hn::Mul(hn::LoadU(d, values + i), hn::Set(d, factor)), d, values + i);
    const float scale = fp4_block_scale(largest_of(values, 32));
    for (int64_t i = 0; i < 32; i += kWidth)
      hn::StoreU(
          round_trip<E2m1>(hn::LoadU(d, values + i), scale, 6.0F),
          d,
          values + i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(RoundFp8Row);
HWY_EXPORT(HadamardFp4Row);

void round_fp8_row(float* x, int64_t cols, int64_t block) {
  HWY_DYNAMIC_DISPATCH(RoundFp8Row)(x, cols, block);
}

void hadamard_fp4_row(float* x, int64_t dim, float factor) {
  HWY_DYNAMIC_DISPATCH(HadamardFp4Row)(x, dim, factor);
}

}  // namespace hadal
#endif
