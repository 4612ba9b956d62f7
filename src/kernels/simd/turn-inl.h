// Rows turned into columns: sixteen rows of 32-bit elements to [count, 16].
//
// Per-target header, see lanes-inl.h.
#if defined(HADAL_KERNELS_SIMD_TURN_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_KERNELS_SIMD_TURN_INL_H_
#undef HADAL_KERNELS_SIMD_TURN_INL_H_
#else
#define HADAL_KERNELS_SIMD_TURN_INL_H_
#endif

#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// out[4 i + k] = row_k[i]: four rows into groups of four. T is 32 bits wide.
template <class T>
HWY_INLINE void interleave_four(
    const T* row0,
    const T* row1,
    const T* row2,
    const T* row3,
    int64_t count,
    T* HWY_RESTRICT out) {
  int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<T> d;
  for (; i + kWidth <= count; i += kWidth)
    hn::StoreInterleaved4(
        hn::LoadU(d, row0 + i),
        hn::LoadU(d, row1 + i),
        hn::LoadU(d, row2 + i),
        hn::LoadU(d, row3 + i),
        d,
        out + 4 * i);
#endif
  for (; i < count; ++i) {
    out[4 * i] = row0[i];
    out[4 * i + 1] = row1[i];
    out[4 * i + 2] = row2[i];
    out[4 * i + 3] = row3[i];
  }
}

// Rows of `count` elements, `stride` apart, to [count, 16], in two rounds of
// interleaving: rows r, r + 4, r + 8, r + 12 first, then the four results.
// `fours` is scratch for 16 * count elements.
template <class T>
HWY_INLINE void turn_sixteen(
    const T* rows,
    int64_t stride,
    int64_t count,
    T* HWY_RESTRICT fours,
    T* out) {
  for (int64_t r = 0; r < 4; ++r)
    interleave_four(
        rows + r * stride,
        rows + (r + 4) * stride,
        rows + (r + 8) * stride,
        rows + (r + 12) * stride,
        count,
        fours + r * 4 * count);
  interleave_four(
      fours,
      fours + 4 * count,
      fours + 8 * count,
      fours + 12 * count,
      4 * count,
      out);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
