// Weights as float32 lanes, decoded in registers where they lie: one struct a
// format, all with the same call.
//   part(rows, r, g, p): the four steps of lanes [p * kWidth, (p + 1) * kWidth)
//   of group g of row r, as dequantize_row gives them
// kGroupBytes is the room that 64 columns take; kRowsAtOnce: rows that are best
// read side by side for one token (measured: memory likes one row after the
// other, and costly decoding needs several sums at once); kUnpacked: codes have
// to be unpacked to bytes first. Order: float_order.h.
//
// Per-target header, see lanes-inl.h.
#if defined(HADAL_WEIGHT_DECODERS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_WEIGHT_DECODERS_INL_H_
#undef HADAL_WEIGHT_DECODERS_INL_H_
#else
#define HADAL_WEIGHT_DECODERS_INL_H_
#endif

#include "kernels/linear/float_order.h"
#include "kernels/simd/bf16_pairs-inl.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

constexpr int kSourceRows = 4;

// Four rows of a weight from some group of 64 columns on.
struct SourceRows {
  const uint8_t* data[kSourceRows];
  const float* scales[kSourceRows];
  const float* biases[kSourceRows];
  int64_t scale_shift;  // columns of a scale: 32 << scale_shift
};

struct Steps {
  FloatVec v[4];
};

// The scales of a group in its lanes: 32 columns are 8 lanes.
HWY_INLINE FloatVec
scale_lanes(const float* scales, int64_t shift, int64_t g, int p) {
  const Floats d;
#if HWY_MAX_BYTES == 64
  (void)p;
  return hn::ConcatUpperLower(
      d,
      hn::Set(d, scales[(2 * g + 1) >> shift]),
      hn::Set(d, scales[(2 * g) >> shift]));
#else
  return hn::Set(d, scales[(2 * g + p * kWidth / 8) >> shift]);
#endif
}

#if HWY_TARGET == HWY_SCALAR

HWY_INLINE uint32_t bits16(const uint8_t* from) {
  return from[0] | static_cast<uint32_t>(from[1]) << 8;
}
HWY_INLINE hn::Vec1<float> float_of_bits(uint32_t bits) {
  float value;
  __builtin_memcpy(&value, &bits, 4);
  return hn::Vec1<float>(value);
}
// A lane's columns in the order of the steps.
template <class Value>
HWY_INLINE Steps four_columns(int lane, const Value& value) {
  Steps steps;
  for (int s = 0; s < 4; ++s)
    steps.v[s] = value(float_column(lane, s));
  return steps;
}

#else

// Bytes of a part of 8-bit codes.
constexpr int64_t kPartBytes = 4 * kWidth;

HWY_INLINE Steps steps_of_pairs(WordVec low, WordVec high) {
  return {
      {odd_of_pairs(low),
       even_of_pairs(low),
       odd_of_pairs(high),
       even_of_pairs(high)}};
}

// Pairs of 16-bit numbers in the order of the file.
HWY_INLINE void load_pairs(const uint8_t* from, WordVec& low, WordVec& high) {
  const Words d;
  const Bytes d8;
  const WordVec a = hn::BitCast(d, hn::LoadU(d8, from));
  const WordVec b = hn::BitCast(d, hn::LoadU(d8, from + kPartBytes));
  low = even_blocks(a, b);
  high = odd_blocks(a, b);
}

#endif

struct F32Decoder {
  static constexpr int kRowsAtOnce = 1;
  static constexpr int64_t kGroupBytes = 256;
  static constexpr bool kUnpacked = false;

  HWY_INLINE Steps part(const SourceRows& rows, int r, int64_t g, int p) const {
    const uint8_t* from = rows.data[r] + g * kGroupBytes;
#if HWY_TARGET == HWY_SCALAR
    return four_columns(p, [&](int64_t k) {
      float value;
      __builtin_memcpy(&value, from + 4 * k, 4);
      return hn::Vec1<float>(value);
    });
#else
    const Floats d;
    const Words dw;
    const Bytes d8;
    from += p * 4 * kPartBytes;
    FloatVec v[4];
    for (int i = 0; i < 4; ++i)
      v[i] = hn::BitCast(d, hn::LoadU(d8, from + i * kPartBytes));
    const auto even = [&](FloatVec b, FloatVec a) {
      return hn::BitCast(dw, hn::ConcatEven(d, b, a));
    };
    const auto odd = [&](FloatVec b, FloatVec a) {
      return hn::BitCast(dw, hn::ConcatOdd(d, b, a));
    };
    const WordVec even_a = even(v[1], v[0]);
    const WordVec even_b = even(v[3], v[2]);
    const WordVec odd_a = odd(v[1], v[0]);
    const WordVec odd_b = odd(v[3], v[2]);
    return {
        {hn::BitCast(d, even_blocks(odd_a, odd_b)),
         hn::BitCast(d, even_blocks(even_a, even_b)),
         hn::BitCast(d, odd_blocks(odd_a, odd_b)),
         hn::BitCast(d, odd_blocks(even_a, even_b))}};
#endif
  }
};

// kSmallIsZero: weights below 2^-48 count as zero (the rule of bfloat16
// activations in linear.h).
template <bool kSmallIsZero>
struct Bf16Decoder {
  static constexpr int kRowsAtOnce = 1;
  static constexpr int64_t kGroupBytes = 128;
  static constexpr bool kUnpacked = false;

  HWY_INLINE Steps part(const SourceRows& rows, int r, int64_t g, int p) const {
    const uint8_t* from = rows.data[r] + g * kGroupBytes;
#if HWY_TARGET == HWY_SCALAR
    Steps steps = four_columns(p, [&](int64_t k) {
      return float_of_bits(bits16(from + 2 * k) << 16);
    });
#else
    WordVec low;
    WordVec high;
    load_pairs(from + p * 2 * kPartBytes, low, high);
    Steps steps = steps_of_pairs(low, high);
#endif
    if constexpr (kSmallIsZero) {
      const Floats d;
      const FloatVec least = hn::Set(d, 0x1p-48F);
      for (FloatVec& v : steps.v)
        v = hn::IfThenZeroElse(hn::Lt(hn::Abs(v), least), v);
    }
    return steps;
  }
};

struct F16Decoder {
  static constexpr int kRowsAtOnce = 4;
  static constexpr int64_t kGroupBytes = 128;
  static constexpr bool kUnpacked = false;

  HWY_INLINE Steps part(const SourceRows& rows, int r, int64_t g, int p) const {
    const uint8_t* from = rows.data[r] + g * kGroupBytes;
#if HWY_TARGET == HWY_SCALAR
    return four_columns(p, [&](int64_t k) {
      hwy::float16_t half;
      __builtin_memcpy(&half, from + 2 * k, 2);
      return hn::PromoteTo(Floats(), hn::Vec1<hwy::float16_t>(half));
    });
#else
    WordVec low;
    WordVec high;
    load_pairs(from + p * 2 * kPartBytes, low, high);
    return {
        {widen(hn::ShiftRight<16>(low)),
         widen(low),
         widen(hn::ShiftRight<16>(high)),
         widen(high)}};
  }

 private:
  static HWY_INLINE FloatVec widen(WordVec halves) {
    const hn::Rebind<uint16_t, Floats> d16;
    const hn::Rebind<int32_t, Floats> d32;
    const hn::Rebind<hwy::float16_t, Floats> dh;
    const WordVec half = hn::And(halves, hn::Set(Words(), 0xFFFFU));
    return hn::PromoteTo(
        Floats(), hn::BitCast(dh, hn::DemoteTo(d16, hn::BitCast(d32, half))));
#endif
  }
};

// kScale: the scales of fp8_block or mxfp8 multiply the codes.
template <bool kScale>
struct Fp8Decoder {
  static constexpr int kRowsAtOnce = 4;
  static constexpr int64_t kGroupBytes = 64;
  static constexpr bool kUnpacked = false;
#if HWY_TARGET != HWY_SCALAR
  E4m3Decoder codes;
#endif

  HWY_INLINE Steps part(const SourceRows& rows, int r, int64_t g, int p) const {
    const uint8_t* from = rows.data[r] + g * kGroupBytes;
#if HWY_TARGET == HWY_SCALAR
    Steps steps = four_columns(p, [&](int64_t k) {
      return float_of_bits(
          static_cast<uint32_t>(bf16_of_e4m3(from[k] & 0x7F)) << 16 |
          static_cast<uint32_t>(from[k] & 0x80) << 24);
    });
#else
    WordVec low;
    WordVec high;
    codes.decode(hn::LoadU(Bytes(), from + p * kPartBytes), low, high);
    Steps steps = steps_of_pairs(low, high);
#endif
    if constexpr (kScale) {
      const FloatVec scale =
          scale_lanes(rows.scales[r], rows.scale_shift, g, p);
      for (FloatVec& v : steps.v)
        v = hn::Mul(v, scale);
    }
    return steps;
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
