// Register tiles of rows times vectors of heads: byte products of a row's word,
// the same in all lanes, with the heads' words.
#include "kernels/indexer/score_codes.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/indexer/score_codes.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/byte_dot-inl.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

using Ints = hn::RebindToSigned<Floats>;
using IntVec = hn::Vec<Ints>;

// acc + the four products of a row's bytes and the heads' bytes.
HWY_INLINE IntVec dot_words(IntVec acc, uint32_t row, const uint32_t* queries) {
#if HWY_TARGET == HWY_SCALAR
  int sum = acc.raw;
  for (int i = 0; i < 4; ++i)
    sum += static_cast<int>(row >> (8 * i) & 255) *
           static_cast<int8_t>(*queries >> (8 * i) & 255);
  return IntVec(sum);
#else
  const hn::RebindToUnsigned<Floats> dw;
  return dot_small(
      acc,
      hn::BitCast(TagU8(), hn::Set(dw, row)),
      hn::BitCast(TagI8(), hn::Load(dw, queries)));
#endif
}

HWY_INLINE uint32_t row_word(const uint8_t* codes, int64_t word) {
  uint32_t value;
  __builtin_memcpy(&value, codes + 4 * word, sizeof(value));
  return value;
}

// One integer a row and head, for heads from `head` on, a multiple of sixteen
// of them. sums[r][lane] += weight * max(0, dot), heads in increasing order;
// lane = head mod 16.
template <int64_t kRows, int64_t kVecs>
HWY_INLINE void narrow_tile(
    CodeQueries& queries, int64_t head, const uint8_t* codes, float* sums) {
  const Floats d;
  const Ints di;
  const int64_t stride = queries.padded_heads();
  const int64_t words = queries.words();
  IntVec acc[kRows][kVecs];
  for (int64_t v = 0; v < kVecs; ++v) {
    const IntVec start = hn::Load(
        di,
        queries.biases.data() + queries.blocks() * stride + head + v * kWidth);
    for (int64_t r = 0; r < kRows; ++r)
      acc[r][v] = start;
  }
  const uint32_t* at = queries.codes.data() + head;
  for (int64_t w = 0; w < words; ++w) {
    for (int64_t r = 0; r < kRows; ++r) {
      const uint32_t row = row_word(codes + r * queries.dim, w);
      for (int64_t v = 0; v < kVecs; ++v)
        acc[r][v] = dot_words(acc[r][v], row, at + v * kWidth);
    }
    at += stride;
  }
  for (int64_t r = 0; r < kRows; ++r) {
    float* to = sums + r * kCodeHeadLanes;
    FloatVec sum[kParts];
    for (int64_t part = 0; part < kParts; ++part)
      sum[part] = hn::Load(d, to + part * kWidth);
    for (int64_t v = 0; v < kVecs; ++v)
      sum[v % kParts] = fused(
          hn::Load(d, queries.weights.data() + head + v * kWidth),
          hn::ConvertTo(d, hn::Max(acc[r][v], hn::Zero(di))),
          sum[v % kParts]);
    for (int64_t part = 0; part < kParts; ++part)
      hn::Store(sum[part], d, to + part * kWidth);
  }
}

template <int64_t kVecs>
HWY_INLINE void narrow_rows(
    CodeQueries& queries, int64_t head, const uint8_t* codes, float* sums) {
  constexpr int64_t kRows = kWidth == 16 ? 6 : kWidth == 1 ? 1 : 4;
  static_assert(kCodeRows % kRows == 0);
  for (int64_t r = 0; r < kCodeRows; r += kRows)
    narrow_tile<kRows, kVecs>(
        queries, head, codes + r * queries.dim, sums + r * kCodeHeadLanes);
}

// Block by block, for scales that lie far apart: the same bits where the
// integers above would do.
HWY_INLINE void wide_rows(
    CodeQueries& queries,
    const uint8_t* codes,
    const float* row_factors,
    float* sums) {
  const Floats d;
  const Ints di;
  const int64_t stride = queries.padded_heads();
  const int64_t blocks = queries.blocks();
  const int64_t half = queries.words() / 2;
  for (int64_t r = 0; r < kCodeRows; ++r)
    for (int64_t head = 0; head < stride; head += kWidth) {
      FloatVec dot = hn::Zero(d);
      for (int64_t b = 0; b < blocks; ++b) {
        IntVec sum = hn::Load(di, queries.biases.data() + b * stride + head);
        for (int64_t i = 0; i < 8; ++i) {
          const int64_t w = 4 * b + i % 4 + i / 4 * half;
          sum = dot_words(
              sum,
              row_word(codes + r * queries.dim, w),
              queries.codes.data() + w * stride + head);
        }
        const float of_row =
            row_factors == nullptr ? 1.0f : row_factors[r * blocks + b];
        const FloatVec factor = hn::Mul(
            hn::Load(d, queries.factors.data() + b * stride + head),
            hn::Set(d, of_row));
        dot = fused(hn::ConvertTo(d, sum), factor, dot);
      }
      float* to = sums + r * kCodeHeadLanes + head % kCodeHeadLanes;
      hn::Store(
          fused(
              hn::Load(d, queries.weights.data() + head),
              hn::Max(dot, hn::Zero(d)),
              hn::Load(d, to)),
          d,
          to);
    }
}

// The tree over each row's lanes, times the row's base.
HWY_INLINE void finish_rows(
    const float* sums, const float* bases, float* scores) {
  const Floats d;
  for (int64_t r = 0; r < kCodeRows; r += kDots) {
    FloatVec parts[kParts][kDots];
    for (int64_t part = 0; part < kParts; ++part)
      for (int64_t i = 0; i < kDots; ++i)
        parts[part][i] =
            hn::Load(d, sums + (r + i) * kCodeHeadLanes + part * kWidth);
    join_dots(parts, scores + r);
  }
  for (int64_t r = 0; r < kCodeRows; r += kWidth)
    hn::Store(
        hn::Mul(hn::Load(d, scores + r), hn::Load(d, bases + r)),
        d,
        scores + r);
}

void indexer_code_scores(
    CodeQueries& queries,
    const uint8_t* codes,
    const float* row_factors,
    const float* bases,
    float* scores) {
  HWY_ALIGN float sums[kCodeRows * kCodeHeadLanes] = {};
  if (row_factors != nullptr || !queries.narrow) {
    wide_rows(queries, codes, row_factors, sums);
  } else {
    // Vectors of heads in registers; together they hold sixteen heads or more.
    constexpr int64_t kMost = kWidth == 1 ? 16 : kWidth == 8 ? 2 : 4;
    const int64_t heads = queries.padded_heads();
    int64_t head = 0;
    for (; head + kMost * kWidth <= heads; head += kMost * kWidth)
      narrow_rows<kMost>(queries, head, codes, sums);
    if constexpr (kWidth == kCodeHeadLanes)
      for (; head < heads; head += kWidth)
        narrow_rows<1>(queries, head, codes, sums);
  }
  finish_rows(sums, bases, scores);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(indexer_code_scores);

void code_scores(CodeQueries& queries, CodeRows& rows, float* scores) {
  HWY_DYNAMIC_DISPATCH(indexer_code_scores)
  (queries,
   rows.codes.data(),
   rows.narrow ? nullptr : rows.factors.data(),
   rows.bases.data(),
   scores);
}

}  // namespace hadal
#endif  // HWY_ONCE
