// Decoders, as in weight_decoders-inl.h, of codes below a byte and of affine
// codes.
//
// Per-target header, see lanes-inl.h.
#if defined(HADAL_CODE_DECODERS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_CODE_DECODERS_INL_H_
#undef HADAL_CODE_DECODERS_INL_H_
#else
#define HADAL_CODE_DECODERS_INL_H_
#endif

#include "kernels/linear/weight_decoders-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

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
    // A byte a lane; what lies above its lower nibble does not count.
    const WordVec low = lookup_32_bytes(from, hn::LoadU(Words(), kBytes));
    const WordVec high = lookup_32_bytes(
        from, hn::Add(hn::LoadU(Words(), kBytes), hn::Set(Words(), 4U)));
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
  // The bytes of the lower halves of the blocks of eight.
  static constexpr uint32_t kBytes[16] = {
      0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27};
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
