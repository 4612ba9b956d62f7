// The products with the mixing matrix, and the sums over streams. Lanes are
// channels.
#include "kernels/hyper_connection/stream_mix.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/hyper_connection/stream_mix.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// Channels a piece of the products: 24 rows and four tokens of them stay in the
// second-level cache.
constexpr int64_t kPiece = 1024;

// The pointers of one tile, from `first` on; the last one stands in for those
// past the end.
template <int64_t kCount>
HWY_INLINE void tile_pointers(
    const float* const* all,
    int64_t count,
    int64_t first,
    int64_t channel,
    const float* (&tile)[kCount]) {
  for (int64_t i = 0; i < kCount; ++i)
    tile[i] = all[first + i < count ? first + i : count - 1] + channel;
}

// Adds channels [channel, channel + n) to the lanes of a tile.
HWY_INLINE void continue_tile(
    const float* const* a,
    const float* const* b,
    int64_t n,
    float* HWY_RESTRICT lanes) {
  const Floats d;
  const int64_t whole = n / kLanes * kLanes;
  for (int64_t part = 0; part < kParts; ++part) {
    FloatVec acc[kDots];
    for (int64_t i = 0; i < kDots; ++i)
      acc[i] = hn::Load(d, lanes + i * kLanes + part * kWidth);
    dot_part(a, b, whole, part, acc);
    for (int64_t i = 0; i < kDots; ++i)
      hn::Store(acc[i], d, lanes + i * kLanes + part * kWidth);
  }
  for (int64_t i = whole; i < n; ++i)
    for (int64_t r = 0; r < kDotRows; ++r)
      for (int64_t c = 0; c < kDotCols; ++c) {
        float* lane = lanes + (r * kDotCols + c) * kLanes + (i - whole);
        *lane = __builtin_fmaf(a[r][i], b[c][i], *lane);
      }
}

void stream_products(
    const float* const* tokens,
    int64_t count,
    const float* const* rows,
    int64_t row_count,
    int64_t channels,
    float* HWY_RESTRICT scratch,
    float* sums,
    int64_t pitch) {
  const Floats d;
  const int64_t token_tiles = (count + kDotRows - 1) / kDotRows;
  const int64_t row_tiles = (row_count + kDotCols - 1) / kDotCols;
  const int64_t tile_floats = kDots * kLanes;
  for (int64_t i = 0; i < token_tiles * row_tiles * tile_floats; i += kWidth)
    hn::Store(hn::Zero(d), d, scratch + i);

  const float* a[kDotRows];
  const float* b[kDotCols];
  for (int64_t channel = 0; channel < channels; channel += kPiece) {
    const int64_t n = channels - channel < kPiece ? channels - channel : kPiece;
    for (int64_t t = 0; t < token_tiles; ++t) {
      tile_pointers(tokens, count, t * kDotRows, channel, a);
      for (int64_t r = 0; r < row_tiles; ++r) {
        tile_pointers(rows, row_count, r * kDotCols, channel, b);
        continue_tile(a, b, n, scratch + (t * row_tiles + r) * tile_floats);
      }
    }
  }

  for (int64_t t = 0; t < token_tiles; ++t)
    for (int64_t r = 0; r < row_tiles; ++r) {
      const float* lanes = scratch + (t * row_tiles + r) * tile_floats;
      FloatVec parts[kParts][kDots];
      for (int64_t part = 0; part < kParts; ++part)
        for (int64_t i = 0; i < kDots; ++i)
          parts[part][i] = hn::Load(d, lanes + i * kLanes + part * kWidth);
      HWY_ALIGN float tile[kDots];
      join_dots(parts, tile);
      for (int64_t i = 0; i < kDotRows && t * kDotRows + i < count; ++i)
        for (int64_t k = 0; k < kDotCols && r * kDotCols + k < row_count; ++k)
          sums[(t * kDotRows + i) * pitch + r * kDotCols + k] =
              tile[i * kDotCols + k];
    }
}

void stream_squares(
    const float* const* tokens, int64_t count, int64_t channels, float* sums) {
  const Floats d;
  const int64_t whole = channels / kLanes * kLanes;
  constexpr int64_t kTokens = 4;  // chains that run beside each other
  for (int64_t first = 0; first < count; first += kTokens) {
    const float* x[kTokens];
    tile_pointers(tokens, count, first, 0, x);
    HWY_ALIGN float lanes[kTokens][kLanes];
    for (int64_t part = 0; part < kParts; ++part) {
      FloatVec acc[kTokens];
      for (int64_t t = 0; t < kTokens; ++t)
        acc[t] = hn::Zero(d);
      for (int64_t i = part * kWidth; i < whole; i += kLanes)
        for (int64_t t = 0; t < kTokens; ++t) {
          const FloatVec v = hn::LoadU(d, x[t] + i);
          acc[t] = fused(v, v, acc[t]);
        }
      for (int64_t t = 0; t < kTokens; ++t)
        hn::Store(acc[t], d, lanes[t] + part * kWidth);
    }
    for (int64_t t = 0; t < kTokens && first + t < count; ++t) {
      for (int64_t i = whole; i < channels; ++i)
        lanes[t][i - whole] =
            __builtin_fmaf(x[t][i], x[t][i], lanes[t][i - whole]);
      FloatVec parts[kParts];
      for (int64_t part = 0; part < kParts; ++part)
        parts[part] = hn::Load(d, lanes[t] + part * kWidth);
      sums[first + t] = join_lanes(parts);
    }
  }
}

// Channels [begin, end) in steps of one vector of D; returns where it stopped.
template <class D>
HWY_INLINE int64_t sum_streams(
    D d,
    const float* streams,
    const float* pre,
    int64_t n,
    int64_t dim,
    int64_t begin,
    float* x) {
  const int64_t step = static_cast<int64_t>(hn::MaxLanes(d));
  int64_t i = begin;
  for (; i + step <= dim; i += step) {
    auto sum = hn::Mul(hn::Set(d, pre[0]), hn::LoadU(d, streams + i));
    for (int64_t s = 1; s < n; ++s)
      sum = fused(hn::Set(d, pre[s]), hn::LoadU(d, streams + s * dim + i), sum);
    hn::StoreU(sum, d, x + i);
  }
  return i;
}

void stream_down(
    const float* streams, const float* pre, int64_t n, int64_t dim, float* x) {
  const int64_t done = sum_streams(Floats(), streams, pre, n, dim, 0, x);
  sum_streams(hn::CappedTag<float, 1>(), streams, pre, n, dim, done, x);
}

template <int64_t kStreams, class D>
HWY_INLINE int64_t spread_streams(
    D d,
    const float* y,
    const float* streams,
    const float* post,
    const float* comb,
    int64_t stream_count,
    int64_t dim,
    int64_t begin,
    int64_t end,
    float* out) {
  const int64_t n = kStreams > 0 ? kStreams : stream_count;
  const int64_t step = static_cast<int64_t>(hn::MaxLanes(d));
  int64_t i = begin;
  for (; i + step <= end; i += step) {
    hn::Vec<D> from[kStreams > 0 ? kStreams : kMaxStreams];
    for (int64_t j = 0; j < n; ++j)
      from[j] = hn::LoadU(d, streams + j * dim + i);
    const hn::Vec<D> added = hn::LoadU(d, y + i);
    for (int64_t k = 0; k < n; ++k) {
      hn::Vec<D> sum = hn::Mul(hn::Set(d, post[k]), added);
      for (int64_t j = 0; j < n; ++j)
        sum = fused(hn::Set(d, comb[j * n + k]), from[j], sum);
      hn::StoreU(sum, d, out + k * dim + i);
    }
  }
  return i;
}

template <int64_t kStreams>
HWY_INLINE void spread(
    const float* y,
    const float* streams,
    const float* post,
    const float* comb,
    int64_t n,
    int64_t dim,
    int64_t begin,
    int64_t end,
    float* out) {
  const int64_t done = spread_streams<kStreams>(
      Floats(), y, streams, post, comb, n, dim, begin, end, out);
  spread_streams<kStreams>(
      hn::CappedTag<float, 1>(),
      y,
      streams,
      post,
      comb,
      n,
      dim,
      done,
      end,
      out);
}

void stream_up(
    const float* y,
    const float* streams,
    const float* post,
    const float* comb,
    int64_t n,
    int64_t dim,
    int64_t begin,
    int64_t end,
    float* out) {
  if (n == 4)
    spread<4>(y, streams, post, comb, n, dim, begin, end, out);
  else
    spread<0>(y, streams, post, comb, n, dim, begin, end, out);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(stream_products);
HWY_EXPORT(stream_squares);
HWY_EXPORT(stream_down);
HWY_EXPORT(stream_up);

void mix_products(
    const float* const* tokens,
    int64_t count,
    const float* const* rows,
    int64_t row_count,
    int64_t channels,
    float* scratch,
    float* sums,
    int64_t pitch) {
  HWY_DYNAMIC_DISPATCH(stream_products)
  (tokens, count, rows, row_count, channels, scratch, sums, pitch);
}

void mix_squares(
    const float* const* tokens, int64_t count, int64_t channels, float* sums) {
  HWY_DYNAMIC_DISPATCH(stream_squares)(tokens, count, channels, sums);
}

void mix_down(
    const float* streams, const float* pre, int64_t n, int64_t dim, float* x) {
  HWY_DYNAMIC_DISPATCH(stream_down)(streams, pre, n, dim, x);
}

void mix_up(
    const float* y,
    const float* streams,
    const float* post,
    const float* comb,
    int64_t n,
    int64_t dim,
    int64_t begin,
    int64_t end,
    float* out) {
  HWY_DYNAMIC_DISPATCH(stream_up)
  (y, streams, post, comb, n, dim, begin, end, out);
}

}  // namespace hadal
#endif  // HWY_ONCE
