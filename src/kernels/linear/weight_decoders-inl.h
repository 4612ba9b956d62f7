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

// scale * code, or with a bias rounded once.
template <bool kBias>
HWY_INLINE Steps
scaled(const Steps& codes, const SourceRows& rows, int r, int64_t g, int p) {
  Steps steps;
  const FloatVec scale = scale_lanes(rows.scales[r], rows.scale_shift, g, p);
  if constexpr (kBias) {
    const FloatVec bias = scale_lanes(rows.biases[r], rows.scale_shift, g, p);
    for (int s = 0; s < 4; ++s)
      steps.v[s] = fused(scale, codes.v[s], bias);
  } else {
    for (int s = 0; s < 4; ++s)
      steps.v[s] = hn::Mul(codes.v[s], scale);
  }
  return steps;
}

// mxfp4, and affine of 4 bits.
template <bool kAffine>
struct NibbleDecoder {
  static constexpr int kRowsAtOnce = 4;
  static constexpr int64_t kGroupBytes = 32;
  static constexpr bool kUnpacked = false;

  HWY_INLINE Steps part(const SourceRows& rows, int r, int64_t g, int p) const {
    static constexpr float kValues[16] = {
        0, 0.5F, 1, 1.5F, 2, 3, 4, 6, -0.F, -0.5F, -1, -1.5F, -2, -3, -4, -6};
    static constexpr float kNumbers[16] = {
        0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    [[maybe_unused]] const float* values = kAffine ? kNumbers : kValues;
    const uint8_t* from = rows.data[r] + g * kGroupBytes;
#if HWY_TARGET == HWY_SCALAR
    const Steps codes = four_columns(p, [&](int64_t k) {
      return hn::Vec1<float>(
          values[k % 2 == 0 ? from[k / 2] & 15 : from[k / 2] >> 4]);
    });
#elif HWY_MAX_BYTES == 64
    (void)p;
    const hn::CappedTag<uint32_t, 8> d32;
    const hn::CappedTag<uint8_t, 32> d8;
    const hn::CappedTag<uint8_t, 16> half;
    const auto bytes = hn::BitCast(
        d8,
        hn::TableLookupLanes(
            hn::BitCast(d32, hn::LoadU(d8, from)),
            hn::SetTableIndices(d32, kSplitWords)));
    const WordVec low = hn::PromoteTo(Words(), hn::LowerHalf(half, bytes));
    const WordVec high = hn::PromoteTo(Words(), hn::UpperHalf(half, bytes));
    const FloatVec table = hn::LoadU(Floats(), values);
    const auto pick = [&](WordVec at) { return lookup_16(table, at); };
    const Steps codes = {
        {pick(hn::ShiftRight<4>(low)),
         pick(low),
         pick(hn::ShiftRight<4>(high)),
         pick(high)}};
#else
    // Twice the values are small integers.
    static constexpr int8_t kTwice[16] = {
        0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
    const hn::CappedTag<uint8_t, 16> d;
    const hn::Repartition<uint16_t, decltype(d)> d16;
    HWY_ALIGN uint8_t room[16] = {};
    __builtin_memcpy(room, from + p * (kPartBytes / 2), kPartBytes / 2);
    const auto bytes =
        hn::TableLookupBytes(hn::Load(d, room), hn::LoadU(d, kSplit));
    const auto mask = hn::Set(d, uint8_t{15});
    auto even = hn::And(bytes, mask);
    auto odd = hn::And(
        hn::BitCast(d, hn::ShiftRight<4>(hn::BitCast(d16, bytes))), mask);
    if constexpr (!kAffine) {
      const auto table =
          hn::BitCast(d, hn::LoadU(hn::CappedTag<int8_t, 16>(), kTwice));
      even = hn::TableLookupBytes(table, even);
      odd = hn::TableLookupBytes(table, odd);
    }
    HWY_ALIGN int8_t integers[32];
    hn::Store(even, d, reinterpret_cast<uint8_t*>(integers));
    hn::Store(odd, d, reinterpret_cast<uint8_t*>(integers) + 16);
    const Steps codes = {
        {number(integers + 16),
         number(integers),
         number(integers + 16 + kWidth),
         number(integers + kWidth)}};
#endif
    return scaled<kAffine>(codes, rows, r, g, p);
  }

#if HWY_MAX_BYTES == 64
 private:
  // Of eight words: those of the lower halves of the blocks, then the others.
  static constexpr int32_t kSplitWords[8] = {0, 2, 4, 6, 1, 3, 5, 7};
#elif HWY_TARGET != HWY_SCALAR
 private:
  // Of 16 (8) bytes: those of the lower halves of the blocks, then the others.
  static constexpr uint8_t kSplit[16] = {
      0,
      1,
      2,
      3,
      kWidth == 8 ? 8 : 4,
      kWidth == 8 ? 9 : 5,
      kWidth == 8 ? 10 : 6,
      kWidth == 8 ? 11 : 7,
      4,
      5,
      6,
      7,
      12,
      13,
      14,
      15};

  static HWY_INLINE FloatVec number(const int8_t* from) {
    const hn::Rebind<int8_t, Floats> d8;
    const hn::Rebind<int32_t, Floats> d32;
    const FloatVec value =
        hn::ConvertTo(Floats(), hn::PromoteTo(d32, hn::LoadU(d8, from)));
    return kAffine ? value : hn::Mul(value, hn::Set(Floats(), 0.5F));
  }
#endif
};

// Affine of 8 bits, and other widths unpacked to bytes.
struct ByteDecoder {
  static constexpr int kRowsAtOnce = 4;
  static constexpr int64_t kGroupBytes = 64;
  static constexpr bool kUnpacked = true;  // the rows, where bits are not 8

  HWY_INLINE Steps part(const SourceRows& rows, int r, int64_t g, int p) const {
    const uint8_t* from = rows.data[r] + g * kGroupBytes;
#if HWY_TARGET == HWY_SCALAR
    const Steps codes = four_columns(p, [&](int64_t k) {
      return hn::Vec1<float>(static_cast<float>(from[k]));
    });
#else
    const Bytes d;
    const Words dw;
    const ByteVec bytes = hn::LoadU(d, from + p * kPartBytes);
    const ByteVec zero = hn::Zero(d);
    const WordVec low = hn::BitCast(dw, hn::InterleaveLower(d, bytes, zero));
    const WordVec high = hn::BitCast(dw, hn::InterleaveUpper(d, bytes, zero));
    const auto number = [](WordVec v) {
      const hn::RebindToSigned<Words> di;
      return hn::ConvertTo(Floats(), hn::BitCast(di, v));
    };
    const WordVec mask = hn::Set(dw, 0xFFFFU);
    const Steps codes = {
        {number(hn::ShiftRight<16>(low)),
         number(hn::And(low, mask)),
         number(hn::ShiftRight<16>(high)),
         number(hn::And(high, mask))}};
#endif
    return scaled<true>(codes, rows, r, g, p);
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
