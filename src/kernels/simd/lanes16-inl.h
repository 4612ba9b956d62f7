// Sixteen stored numbers at a time to float32 on every instruction set: one
// AVX-512 vector, two of AVX2, four of NEON, a plain array without any.
//
// Included once per target, after hwy/highway.h. Everything stands in the
// target's namespace and uses no standard library: a shared inline function
// would be compiled for the first target only, and the baseline would run it.
#if defined(HADAL_LANES16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_LANES16_INL_H_
#undef HADAL_LANES16_INL_H_
#else
#define HADAL_LANES16_INL_H_
#endif

#include <stdint.h>

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

#if HWY_TARGET == HWY_SCALAR

struct Lanes16 {
  float lane[16];
};

HWY_INLINE Lanes16 set16(float value) {
  Lanes16 out;
  for (int i = 0; i < 16; ++i)
    out.lane[i] = value;
  return out;
}
HWY_INLINE void store16(const Lanes16& a, float* to) {
  for (int i = 0; i < 16; ++i)
    to[i] = a.lane[i];
}
HWY_INLINE Lanes16 mul16(const Lanes16& a, const Lanes16& b) {
  Lanes16 out;
  for (int i = 0; i < 16; ++i)
    out.lane[i] = a.lane[i] * b.lane[i];
  return out;
}
HWY_INLINE Lanes16 load16_bf16(const void* from) {
  const uint8_t* bytes = static_cast<const uint8_t*>(from);
  Lanes16 out;
  for (int i = 0; i < 16; ++i) {
    const uint32_t bits = static_cast<uint32_t>(bytes[2 * i]) << 16 |
                          static_cast<uint32_t>(bytes[2 * i + 1]) << 24;
    __builtin_memcpy(&out.lane[i], &bits, 4);
  }
  return out;
}
HWY_INLINE Lanes16 load16_e4m3(const uint8_t* from) {
  Lanes16 out;
  for (int i = 0; i < 16; ++i) {
    const uint32_t magnitude = from[i] & 0x7F;
    uint32_t bits = magnitude << 20;  // 2^-120 of the value
    float value;
    __builtin_memcpy(&value, &bits, 4);
    value *= 0x1p120F;
    __builtin_memcpy(&bits, &value, 4);
    if (magnitude == 0x7F)
      bits = 0x7FC00000;
    bits |= static_cast<uint32_t>(from[i] & 0x80) << 24;
    __builtin_memcpy(&out.lane[i], &bits, 4);
  }
  return out;
}

#else

using TagF = hn::CappedTag<float, 16>;
using VecF = hn::Vec<TagF>;
constexpr int kLanesF = static_cast<int>(HWY_LANES(float));
constexpr int kVecs16 = 16 / kLanesF;

struct Lanes16 {
  VecF v[kVecs16];
};

HWY_INLINE Lanes16 set16(float value) {
  Lanes16 out;
  for (int i = 0; i < kVecs16; ++i)
    out.v[i] = hn::Set(TagF(), value);
  return out;
}
HWY_INLINE void store16(const Lanes16& a, float* to) {
  for (int i = 0; i < kVecs16; ++i)
    hn::StoreU(a.v[i], TagF(), to + i * kLanesF);
}
HWY_INLINE Lanes16 mul16(const Lanes16& a, const Lanes16& b) {
  Lanes16 out;
  for (int i = 0; i < kVecs16; ++i)
    out.v[i] = hn::Mul(a.v[i], b.v[i]);
  return out;
}
HWY_INLINE Lanes16 load16_bf16(const void* from) {
  const hn::Rebind<uint16_t, TagF> d16;
  const hn::Rebind<uint32_t, TagF> d32;
  const uint16_t* halves = static_cast<const uint16_t*>(from);
  Lanes16 out;
  for (int i = 0; i < kVecs16; ++i)
    out.v[i] = hn::BitCast(
        TagF(),
        hn::ShiftLeft<16>(
            hn::PromoteTo(d32, hn::LoadU(d16, halves + i * kLanesF))));
  return out;
}
// An E4M3 code shifted into a half is 2^-8 of its value, subnormals included.
HWY_INLINE Lanes16 load16_e4m3(const uint8_t* from) {
  const hn::Rebind<uint8_t, TagF> d8;
  const hn::Rebind<uint16_t, TagF> d16;
  const hn::Rebind<hwy::float16_t, TagF> dh;
  const auto rest = hn::Set(d16, 0x7F);
  const auto nan = hn::Set(d16, 0x7E00);
  Lanes16 out;
  for (int i = 0; i < kVecs16; ++i) {
    const auto code = hn::PromoteTo(d16, hn::LoadU(d8, from + i * kLanesF));
    const auto magnitude = hn::And(code, rest);
    const auto half = hn::IfThenElse(
        hn::Eq(magnitude, rest), nan, hn::ShiftLeft<7>(magnitude));
    const auto sign = hn::ShiftLeft<8>(hn::AndNot(rest, code));
    const auto value =
        hn::PromoteTo(TagF(), hn::BitCast(dh, hn::Or(half, sign)));
    out.v[i] = hn::Mul(value, hn::Set(TagF(), 256.0F));
  }
  return out;
}

#endif

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // include guard of the target
