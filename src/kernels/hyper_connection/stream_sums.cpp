// The sums over the streams of a token, down to one vector (with its norm) and
// back up. Lanes are channels.
#include "kernels/hyper_connection/stream_mix.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/hyper_connection/stream_sums.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// sum_i pre[i] * stream_i at channel i, a vector of D.
template <class D>
HWY_INLINE hn::Vec<D> sum_streams(
    D d, const float* streams, const float* pre, int64_t n, int64_t dim) {
  hn::Vec<D> sum = hn::Mul(hn::Set(d, pre[0]), hn::LoadU(d, streams));
  for (int64_t s = 1; s < n; ++s)
    sum = fused(hn::Set(d, pre[s]), hn::LoadU(d, streams + s * dim), sum);
  return sum;
}

// x = x * factor * weight.
HWY_INLINE void scale_by(
    float factor, const float* weight, int64_t dim, float* x) {
  const Floats d;
  int64_t i = 0;
  for (; i + kWidth <= dim; i += kWidth)
    hn::StoreU(
        hn::Mul(
            hn::Mul(hn::LoadU(d, x + i), hn::Set(d, factor)),
            hn::LoadU(d, weight + i)),
        d,
        x + i);
  for (; i < dim; ++i)
    x[i] = x[i] * factor * weight[i];
}

// The squares are summed on the way, in the order of rms_norm.h.
void stream_down(
    const float* streams,
    const float* pre,
    int64_t n,
    int64_t dim,
    const float* weight,
    float eps,
    float* x) {
  const Floats d;
  const hn::CappedTag<float, 1> one;
  FloatVec squares[kParts];
  for (int64_t part = 0; part < kParts; ++part)
    squares[part] = hn::Zero(d);
  int64_t i = 0;
  for (; i + kLanes <= dim; i += kLanes)
    for (int64_t part = 0; part < kParts; ++part) {
      const int64_t at = i + part * kWidth;
      const FloatVec sum = sum_streams(d, streams + at, pre, n, dim);
      hn::StoreU(sum, d, x + at);
      squares[part] = fused(sum, sum, squares[part]);
    }
  HWY_ALIGN float rest[kLanes] = {};
  for (const int64_t whole = i; i < dim; ++i) {
    hn::StoreU(sum_streams(one, streams + i, pre, n, dim), one, x + i);
    rest[i - whole] = x[i];
  }
  if (weight == nullptr)
    return;
  for (int64_t part = 0; part < kParts; ++part) {
    const FloatVec v = hn::Load(d, rest + part * kWidth);
    squares[part] = fused(v, v, squares[part]);
  }
  const float mean = join_lanes(squares) / static_cast<float>(dim);
  scale_by(1 / __builtin_sqrtf(mean + eps), weight, dim, x);
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

HWY_EXPORT(stream_down);
HWY_EXPORT(stream_up);

void mix_down(
    const float* streams,
    const float* pre,
    int64_t n,
    int64_t dim,
    const float* weight,
    float eps,
    float* x) {
  HWY_DYNAMIC_DISPATCH(stream_down)(streams, pre, n, dim, weight, eps, x);
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
