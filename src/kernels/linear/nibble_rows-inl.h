// One float32 token through affine rows of 4 bits. The sixteen weights that a
// group can have are computed once, with the fused multiply-add that
// dequantize_row uses, and its codes pick among them.
//
// Five operations a group are shuffles and five multiply-adds, on ports that
// they share, so that a row needs 5 cycles for 36 bytes and hardly a spare one:
// rows lie at equal distances here, which needs no pointer for each.
//
// Included by product_float.cpp for targets with sixteen lanes.
//
// Per-target header, see lanes-inl.h.
#if defined(HADAL_NIBBLE_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef HADAL_NIBBLE_ROWS_INL_H_
#undef HADAL_NIBBLE_ROWS_INL_H_
#else
#define HADAL_NIBBLE_ROWS_INL_H_
#endif

#include "kernels/linear/float_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_MAX_BYTES == 64

// A scale covers whole groups of 64 columns.
HWY_INLINE bool fits_nibble_rows(const WeightView& weight) {
  return weight.format == WeightFormat::affine && weight.bits == 4 &&
         weight.group >= kFloatGroup;
}

// Of lane i: byte i % 4 of the lower half of block i / 4 of eight bytes, and
// above it the one of the upper half: a lane's four codes.
inline constexpr uint32_t kLaneBytes[16] = {
    0x0400,
    0x0501,
    0x0602,
    0x0703,
    0x0C08,
    0x0D09,
    0x0E0A,
    0x0F0B,
    0x1410,
    0x1511,
    0x1612,
    0x1713,
    0x1C18,
    0x1D19,
    0x1E1A,
    0x1F1B};

// Adds the products of a row's 64 columns, whose codes begin at `codes`.
HWY_INLINE FloatVec add_nibbles(
    const uint8_t* codes,
    float scale,
    float bias,
    const float* x,
    FloatVec acc) {
  const Floats d;
  const FloatVec table =
      fused(hn::Set(d, scale), hn::Iota(d, 0), hn::Set(d, bias));
  // What lies above a lane's lowest four bits does not count.
  const WordVec bytes = lookup_32_bytes(codes, hn::LoadU(Words(), kLaneBytes));
  const auto step = [&](int s, WordVec at) {
    acc = fused(hn::Load(d, x + s * kFloatLanes), lookup_16(table, at), acc);
  };
  step(0, hn::ShiftRight<4>(bytes));
  step(1, bytes);
  step(2, hn::ShiftRight<12>(bytes));
  step(3, hn::ShiftRight<8>(bytes));
  return acc;
}

// Rows of the job from row_begin on, four at a time; returns the first that is
// left.
HWY_NOINLINE int64_t nibble_rows(const FloatJob& job, const float* x) {
  const WeightView& view = *job.weight;
  const int64_t groups = view.cols / kFloatGroup;
  const int64_t row = view.row_bytes;
  const int64_t room = job.scratch.scale_room;
  const int64_t shift = view.group == 64 ? 0 : 1;
  const int64_t ahead = bytes_ahead(kSourceRows, row);
  int64_t r = job.row_begin;
  for (; r + kSourceRows <= job.row_end; r += kSourceRows) {
    for (int i = 0; i < kSourceRows; ++i) {
      widen_scale_row<false>(view, r + i, job.scratch.scales + i * room, 0);
      widen_scale_row<true>(view, r + i, job.scratch.biases + i * room, 0);
    }
    const uint8_t* codes =
        reinterpret_cast<const uint8_t*>(view.data) + r * row;
    const float* scales = job.scratch.scales;
    const float* biases = job.scratch.biases;
    FloatVec acc[kSourceRows];
    for (FloatVec& sum : acc)
      sum = hn::Zero(Floats());
    for (int64_t g = 0; g < groups; ++g) {
      const uint8_t* next = codes + ahead + g * 3 * 32;
      __builtin_prefetch(next);
      __builtin_prefetch(next + 64);
      const int64_t at = g >> shift;
      for (int i = 0; i < kSourceRows; ++i)
        acc[i] = add_nibbles(
            codes + i * row,
            scales[i * room + at],
            biases[i * room + at],
            x + g * kFloatGroup,
            acc[i]);
      codes += 32;
    }
    float* sums = job.scratch.sums;
    for (int i = 0; i < kSourceRows; ++i)
      hn::Store(acc[i], Floats(), sums + i * kSumStride);
    store_outputs(job, sums, r, 0, 1);
  }
  return r;
}

#endif  // HWY_MAX_BYTES == 64

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
