// The accumulators of a tile of product_float.cpp, in registers while it walks
// over columns.
//
// Per-target header, see lanes-inl.h.
#if defined(HADAL_FMA_SUMS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_FMA_SUMS_INL_H_
#undef HADAL_FMA_SUMS_INL_H_
#else
#define HADAL_FMA_SUMS_INL_H_
#endif

#include "kernels/linear/float_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// What the weights' scales do.
enum class Scales {
  in_weights,  // the decoder multiplies them in
  limited,     // likewise, after the rule for E8M0 and bfloat16 activations
  in_sums,     // each block of 128 columns has sums of its own
};

constexpr int64_t kScaledGroups = 2;  // of 64 columns in a block

// Rows of a tile with T tokens, so that the accumulators stay in registers.
template <int T>
constexpr int tile_rows() {
#if HWY_MAX_BYTES == 64
  return 4;
#elif HWY_MAX_BYTES == 32
  return T <= 1 ? 4 : T <= 3 ? 2 : 1;
#elif HWY_TARGET == HWY_SCALAR
  return 1;
#else
  return T <= 3 ? 2 : 1;
#endif
}

constexpr int least(int a, int b) {
  return a < b ? a : b;
}

template <int R, int T>
struct Accumulators {
  FloatVec v[R][T][kParts];

  HWY_INLINE void clear() {
    for (auto& row : v)
      for (auto& token : row)
        for (FloatVec& part : token)
          part = hn::Zero(Floats());
  }
  HWY_INLINE void load(const float* sums) {
    for (int r = 0; r < R; ++r)
      for (int t = 0; t < T; ++t)
        for (int p = 0; p < kParts; ++p)
          v[r][t][p] = hn::Load(Floats(), sums + at(r, t, p));
  }
  HWY_INLINE void store(float* sums) const {
    for (int r = 0; r < R; ++r)
      for (int t = 0; t < T; ++t)
        for (int p = 0; p < kParts; ++p)
          hn::Store(v[r][t][p], Floats(), sums + at(r, t, p));
  }
  HWY_INLINE void add_scaled(float scale, float* sums) const {
    const FloatVec factor = hn::Set(Floats(), scale);
    for (int r = 0; r < R; ++r)
      for (int t = 0; t < T; ++t)
        for (int p = 0; p < kParts; ++p) {
          float* to = sums + at(r, t, p);
          hn::Store(
              fused(v[r][t][p], factor, hn::Load(Floats(), to)), Floats(), to);
        }
  }
  static constexpr int64_t at(int r, int t, int p) {
    return r * kSumStride + t * kFloatLanes + p * kWidth;
  }
};

// Runs body(first, last) over the groups [first, last), in pieces that share a
// scale where the sums are scaled.
template <Scales kScales, int R, int T, class Body>
HWY_INLINE void accumulate(
    int64_t first,
    int64_t last,
    const float* scales,
    float* sums,
    const Body& body) {
  Accumulators<R, T> acc;
  if constexpr (kScales == Scales::in_sums) {
    for (int64_t g = first; g < last; g += kScaledGroups) {
      acc.clear();
      body(acc, g, last - g < kScaledGroups ? last : g + kScaledGroups);
      acc.add_scaled(scales[g / kScaledGroups], sums);
    }
  } else {
    acc.load(sums);
    body(acc, first, last);
    acc.store(sums);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
