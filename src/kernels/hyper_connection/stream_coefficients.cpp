// The coefficients of a token: norm, sigmoids, Sinkhorn's iteration. They are
// few, so lanes are tokens: a token's arithmetic is the same whichever lane it
// takes.
#include "kernels/hyper_connection/stream_mix.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/hyper_connection/stream_coefficients.cpp"
#include "hwy/foreach_target.h"  // IWYU pragma: keep
//
#include "hwy/highway.h"
#include "kernels/simd/lanes-inl.h"
#include "kernels/simd/math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

// One value of up to kWidth tokens from memory [token, pitch].
HWY_INLINE FloatVec
gather_tokens(const float* values, int64_t pitch, int64_t count) {
  HWY_ALIGN float lanes[kWidth];
  for (int64_t t = 0; t < kWidth; ++t)
    lanes[t] = values[(t < count ? t : count - 1) * pitch];
  return hn::Load(Floats(), lanes);
}

HWY_INLINE void scatter_tokens(
    FloatVec v, float* values, int64_t pitch, int64_t count) {
  HWY_ALIGN float lanes[kWidth];
  hn::Store(v, Floats(), lanes);
  for (int64_t t = 0; t < kWidth && t < count; ++t)
    values[t * pitch] = lanes[t];
}

// 1 / sqrt(mean of squares + eps).
HWY_INLINE FloatVec inverse_norm(
    const MixScales& scales,
    const float* squares,
    int64_t pitch,
    int64_t count) {
  const Floats d;
  const FloatVec mean = hn::Div(
      gather_tokens(squares, pitch, count),
      hn::Set(d, static_cast<float>(scales.channels)));
  return hn::Div(
      hn::Set(d, 1.0f), hn::Sqrt(hn::Add(mean, hn::Set(d, scales.norm_eps))));
}

// Rows (or columns) of C divided by their sum plus eps: entry k of group j lies
// at c[j * group_step + k * entry_step].
template <int64_t kStreams>
HWY_INLINE void normalise(
    FloatVec* c,
    int64_t streams,
    int64_t group_step,
    int64_t entry_step,
    FloatVec eps) {
  const Floats d;
  const int64_t n = kStreams > 0 ? kStreams : streams;
  for (int64_t j = 0; j < n; ++j) {
    FloatVec* group = c + j * group_step;
    FloatVec sum = group[0];
    for (int64_t k = 1; k < n; ++k)
      sum = hn::Add(sum, group[k * entry_step]);
    const FloatVec inverse = hn::Div(hn::Set(d, 1.0f), hn::Add(sum, eps));
    for (int64_t k = 0; k < n; ++k)
      group[k * entry_step] = hn::Mul(group[k * entry_step], inverse);
  }
}

HWY_INLINE void softmax_row(FloatVec* row, int64_t n, FloatVec eps) {
  const Floats d;
  FloatVec maximum = row[0];
  for (int64_t k = 1; k < n; ++k)
    maximum = hn::Max(maximum, row[k]);
  FloatVec sum = hn::Zero(d);
  for (int64_t k = 0; k < n; ++k) {
    row[k] = exp_of(d, hn::Sub(row[k], maximum));
    sum = hn::Add(sum, row[k]);
  }
  const FloatVec inverse = hn::Div(hn::Set(d, 1.0f), sum);
  for (int64_t k = 0; k < n; ++k)
    row[k] = hn::Add(hn::Mul(row[k], inverse), eps);
}

template <int64_t kStreams>
HWY_INLINE void sinkhorn_steps(
    FloatVec* c, int64_t streams, int64_t iterations, FloatVec eps) {
  const int64_t n = kStreams > 0 ? kStreams : streams;
  for (int64_t j = 0; j < n; ++j)
    softmax_row(c + j * n, n, eps);
  normalise<kStreams>(c, n, 1, n, eps);
  for (int64_t i = 1; i < iterations; ++i) {
    normalise<kStreams>(c, n, n, 1, eps);
    normalise<kStreams>(c, n, 1, n, eps);
  }
}

// Up to kWidth tokens.
HWY_INLINE void coefficients_of_tokens(
    const MixScales& scales,
    const float* sums,
    int64_t count,
    float* pre,
    float* post,
    float* comb) {
  const Floats d;
  const int64_t n = scales.n;
  const int64_t outputs = 2 * n + n * n;
  const int64_t pitch = outputs + 1;
  const FloatVec eps = hn::Set(d, scales.hc_eps);
  const FloatVec rho = inverse_norm(scales, sums + outputs, pitch, count);
  FloatVec c[kMaxStreams * kMaxStreams];
  for (int64_t o = 0; o < outputs; ++o) {
    const FloatVec mix = hn::Mul(gather_tokens(sums + o, pitch, count), rho);
    const int64_t kind = o < n ? 0 : o < 2 * n ? 1 : 2;
    const FloatVec value =
        fused(mix, hn::Set(d, scales.scale[kind]), hn::Set(d, scales.base[o]));
    if (kind == 0)
      scatter_tokens(hn::Add(sigmoid_of(d, value), eps), pre + o, n, count);
    else if (kind == 1)
      scatter_tokens(
          hn::Mul(hn::Set(d, 2.0f), sigmoid_of(d, value)),
          post + o - n,
          n,
          count);
    else
      c[o - 2 * n] = value;
  }
  if (n == 4)
    sinkhorn_steps<4>(c, n, scales.sinkhorn_iterations, eps);
  else
    sinkhorn_steps<0>(c, n, scales.sinkhorn_iterations, eps);
  for (int64_t i = 0; i < n * n; ++i)
    scatter_tokens(c[i], comb + i, n * n, count);
}

void stream_coefficients(
    const MixScales& scales,
    const float* sums,
    int64_t count,
    float* pre,
    float* post,
    float* comb) {
  const int64_t n = scales.n;
  for (int64_t t = 0; t < count; t += kWidth)
    coefficients_of_tokens(
        scales,
        sums + t * (2 * n + n * n + 1),
        count - t,
        pre + t * n,
        post + t * n,
        comb + t * n * n);
}

void stream_head_coefficients(
    const MixScales& scales, const float* sums, int64_t count, float* pre) {
  const Floats d;
  const int64_t n = scales.n;
  const int64_t pitch = n + 1;
  for (int64_t t = 0; t < count; t += kWidth) {
    const float* mine = sums + t * pitch;
    const FloatVec rho = inverse_norm(scales, mine + n, pitch, count - t);
    for (int64_t i = 0; i < n; ++i) {
      const FloatVec mix =
          hn::Mul(gather_tokens(mine + i, pitch, count - t), rho);
      const FloatVec value =
          fused(mix, hn::Set(d, scales.scale[0]), hn::Set(d, scales.base[i]));
      scatter_tokens(
          hn::Add(sigmoid_of(d, value), hn::Set(d, scales.hc_eps)),
          pre + t * n + i,
          n,
          count - t);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(stream_coefficients);
HWY_EXPORT(stream_head_coefficients);

void mix_coefficients(
    const MixScales& scales,
    const float* sums,
    int64_t count,
    float* pre,
    float* post,
    float* comb) {
  HWY_DYNAMIC_DISPATCH(stream_coefficients)
  (scales, sums, count, pre, post, comb);
}

void mix_head_coefficients(
    const MixScales& scales, const float* sums, int64_t count, float* pre) {
  HWY_DYNAMIC_DISPATCH(stream_head_coefficients)(scales, sums, count, pre);
}

}  // namespace hadal
#endif  // HWY_ONCE
