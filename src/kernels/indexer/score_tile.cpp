// Rows are turned so that lanes are rows: then one widened tile serves all
// heads of many tokens, and no dot product needs a sum across lanes.
#include "kernels/indexer/score_tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/indexer/score_tile.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"
#include "kernels/simd/rows-inl.h"
#include "kernels/simd/turn-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

void indexer_widen_tile(
    RowFormat format,
    int64_t dim,
    int64_t rotary,
    const std::byte* const* rows,
    int64_t count,
    float* scratch,
    float* tile) {
  float* wide = scratch;              // [16, dim]
  float* fours = scratch + 16 * dim;  // [4, 4 dim]
  for (int64_t block = 0; block < kScoreRows / 16; ++block) {
    for (int64_t r = 0; r < 16; ++r) {
      const int64_t row = block * 16 + r < count ? block * 16 + r : count - 1;
      widen_row(format, dim, rotary, rows[row], wide + r * dim);
    }
    turn_sixteen(wide, dim, dim, fours, tile + block * 16 * dim);
  }
}

// Lanes are rows: dot products of kHeads heads with kVecs vectors of rows, one
// accumulator each, then the heads one after the other into `scores`.
template <int64_t kHeads, int64_t kVecs>
HWY_INLINE void score_heads(
    const float* q,
    const float* weights,
    int64_t dim,
    const float* const* columns,
    FloatVec (&scores)[kVecs]) {
  const Floats d;
  FloatVec acc[kHeads][kVecs];
  for (int64_t h = 0; h < kHeads; ++h)
    for (int64_t v = 0; v < kVecs; ++v)
      acc[h][v] = hn::Zero(d);
  for (int64_t c = 0; c < dim; ++c) {
    FloatVec rows[kVecs];
    for (int64_t v = 0; v < kVecs; ++v)
      rows[v] = hn::Load(d, columns[v] + 16 * c);
    for (int64_t h = 0; h < kHeads; ++h) {
      const FloatVec query = hn::Set(d, q[h * dim + c]);
      for (int64_t v = 0; v < kVecs; ++v)
        acc[h][v] = fused(query, rows[v], acc[h][v]);
    }
  }
  for (int64_t h = 0; h < kHeads; ++h) {
    const FloatVec weight = hn::Set(d, weights[h]);
    for (int64_t v = 0; v < kVecs; ++v)
      scores[v] = fused(weight, hn::Max(acc[h][v], hn::Zero(d)), scores[v]);
  }
}

void indexer_score_tile(
    const float* q,
    const float* weights,
    int64_t heads,
    int64_t dim,
    const float* tile,
    float* scores) {
  const Floats d;
  constexpr int64_t kVecs = kWidth == 1 ? 1 : 2;
  constexpr int64_t kHeads = kWidth == 8 ? 4 : 8;  // as the registers allow
  for (int64_t row = 0; row < kScoreRows; row += kVecs * kWidth) {
    const float* columns[kVecs];
    FloatVec sums[kVecs];
    for (int64_t v = 0; v < kVecs; ++v) {
      const int64_t at = row + v * kWidth;
      columns[v] = tile + at / 16 * 16 * dim + at % 16;
      sums[v] = hn::Zero(d);
    }
    int64_t h = 0;
    for (; h + kHeads <= heads; h += kHeads)
      score_heads<kHeads, kVecs>(q + h * dim, weights + h, dim, columns, sums);
    for (; h < heads; ++h)
      score_heads<1, kVecs>(q + h * dim, weights + h, dim, columns, sums);
    for (int64_t v = 0; v < kVecs; ++v)
      hn::StoreU(sums[v], d, scores + row + v * kWidth);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(indexer_widen_tile);
HWY_EXPORT(indexer_score_tile);

void widen_score_rows(
    const RowLayout& layout,
    const std::byte* const* rows,
    int64_t count,
    float* scratch,
    float* tile) {
  HWY_DYNAMIC_DISPATCH(indexer_widen_tile)
  (layout.format, layout.dim, layout.rotary, rows, count, scratch, tile);
}

void score_rows(
    const float* q,
    const float* weights,
    int64_t heads,
    int64_t dim,
    const float* tile,
    float* scores) {
  HWY_DYNAMIC_DISPATCH(indexer_score_tile)
  (q, weights, heads, dim, tile, scores);
}

}  // namespace hadal
#endif  // HWY_ONCE
