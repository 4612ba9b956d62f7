// Products with bfloat16 activations on machines with a bfloat16 dot product.
// The bits are those of product_float.cpp; see linear.h.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/product_bf16.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/highway.h"

#include "base/check.h"
#include "kernels/linear/bf16_decoders-inl.h"
#include "kernels/linear/float_columns-inl.h"
#include "kernels/linear/float_panels-inl.h"
#include "kernels/linear/float_tiles-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3_DL

// Where the scales of E4M3 weights go.
enum class DotScales {
  none,
  in_weights,  // powers of two: to the exponents of the weights
  in_tokens,   // powers of two, the same for 128 rows: to those of the tokens,
               // which gives the same products
  in_sums,     // each block of 128 columns has sums of its own
};

template <DotScales kScales>
struct DotKernel {
  using X = uint16_t;
  static constexpr int64_t kGroupBytes = 128;
  static constexpr int kR = kSourceRows;
  static constexpr int64_t kScaledGroups = 2;

  static HWY_INLINE const uint16_t* token(const FloatJob& job, int64_t i) {
    if constexpr (kScales == DotScales::in_tokens)
      return job.scratch.tokens + i * job.input->stride;
    return stored_token(job, i);
  }

  static HWY_INLINE void widen(
      const FloatJob& job, int64_t first, int64_t end, float* starts) {
    widen_scales(job, first, end);
    if constexpr (
        kScales == DotScales::in_weights || kScales == DotScales::in_tokens) {
      const bool shared = job.weight->format == WeightFormat::fp8_block;
      for (int r = 0; r < kR; ++r)
        starts[r] = shared && r > 0
                        ? starts[0]
                        : widen_exponents(
                              job.scratch.scales + r * job.scratch.scale_room,
                              job.scratch.scale_room);
    }
    if constexpr (kScales == DotScales::in_tokens)
      for (int64_t i = 0; i < job.count; ++i)
        scale_token(job, i);
  }

  // Runs body(acc, first, last) over the groups [first, last) and adds to the
  // sums; where these are scaled, in pieces of a block with its scale.
  template <int R, int T, class Body>
  static HWY_INLINE void accumulate(
      int64_t first,
      int64_t last,
      const float* scales,
      float* sums,
      const Body& body) {
    const Floats d;
    const auto at = [](int r, int t) {
      return r * kSumStride + t * kFloatLanes;
    };
    FloatVec total[R][T];
    for (int r = 0; r < R; ++r)
      for (int t = 0; t < T; ++t)
        total[r][t] = hn::Load(d, sums + at(r, t));
    if constexpr (kScales == DotScales::in_sums) {
      for (int64_t g = first; g < last; g += kScaledGroups) {
        FloatVec block[R][T];
        for (auto& row : block)
          for (FloatVec& sum : row)
            sum = hn::Zero(d);
        body(block, g, last - g < kScaledGroups ? last : g + kScaledGroups);
        const FloatVec scale = hn::Set(d, scales[g / kScaledGroups]);
        for (int r = 0; r < R; ++r)
          for (int t = 0; t < T; ++t)
            total[r][t] = hn::MulAdd(block[r][t], scale, total[r][t]);
      }
    } else {
      body(total, first, last);
    }
    for (int r = 0; r < R; ++r)
      for (int t = 0; t < T; ++t)
        hn::Store(total[r][t], d, sums + at(r, t));
  }

  template <int T, class Decoder>
  static HWY_INLINE void rows(
      const Decoder& decoder,
      const SourceRows& from,
      int64_t row_bytes,
      const uint16_t* const* x,
      int64_t groups,
      float* sums) {
    constexpr int R = T == 1 ? Decoder::kRowsAtOnce : kSourceRows;
    constexpr int64_t kBytes = R * Decoder::kGroupBytes;
    for (int r0 = 0; r0 < kSourceRows; r0 += R) {
      const int64_t ahead = T == 1 ? bytes_ahead(R, row_bytes) : R * row_bytes;
      const uint8_t* next = from.data[r0] + ahead;
      accumulate<R, T>(
          0,
          groups,
          from.scales[0],
          sums + r0 * kSumStride,
          [&](FloatVec(&acc)[R][T], int64_t first, int64_t last) {
            for (int64_t g = first; g < last; ++g) {
              for (int64_t i = 0; i < kBytes; i += 64)
                __builtin_prefetch(next + g * kBytes + i);
              for (int r = 0; r < R; ++r) {
                const Pairs w = decoder.group(from, r0 + r, g);
                for (int t = 0; t < T; ++t) {
                  acc[r][t] = dot_pairs(acc[r][t], w.low, x_at(x[t], g, 0));
                  acc[r][t] = dot_pairs(acc[r][t], w.high, x_at(x[t], g, 1));
                }
              }
            }
          });
    }
  }

  // Scaled sums take twice the registers.
  static constexpr int kAtOnce = kScales == DotScales::in_sums ? 3 : 6;

  template <int T>
  static HWY_INLINE void panel(
      const std::byte* panel,
      int64_t stride,
      const uint16_t* const* x,
      int64_t first,
      int64_t last,
      const float* scales,
      float* sums) {
    constexpr int kNow = T < kAtOnce ? T : kAtOnce;
    panel_tile<kNow>(panel, stride, x, first, last, scales, sums);
    if constexpr (T > kNow)
      panel_tile<T - kNow>(
          panel,
          stride,
          x + kNow,
          first,
          last,
          scales,
          sums + kNow * kFloatLanes);
  }

  template <class Decoder>
  static HWY_INLINE void fill(
      const Decoder& decoder,
      const SourceRows& from,
      int64_t row_bytes,
      int64_t groups,
      std::byte* to,
      int64_t stride) {
    const Bytes d;
    const uint8_t* next = from.data[0] + kSourceRows * row_bytes;
    constexpr int64_t kBytes = kSourceRows * Decoder::kGroupBytes;
    for (int64_t g = 0; g < groups; ++g) {
      for (int64_t i = 0; i < kBytes; i += 64)
        __builtin_prefetch(next + g * kBytes + i);
      for (int r = 0; r < kR; ++r) {
        const Pairs w = decoder.group(from, r, g);
        uint8_t* out =
            reinterpret_cast<uint8_t*>(to + r * stride + g * kGroupBytes);
        hn::Store(hn::BitCast(d, w.low), d, out);
        hn::Store(hn::BitCast(d, w.high), d, out + 64);
      }
    }
  }

 private:
  static HWY_INLINE const uint16_t* stored_token(
      const FloatJob& job, int64_t i) {
    return job.input->pairs + job.input_row(i) * job.input->stride;
  }

  static HWY_INLINE void scale_token(const FloatJob& job, int64_t i) {
    const Bytes d;
    const uint16_t* from = stored_token(job, i);
    uint16_t* to = job.scratch.tokens + i * job.input->stride;
    const int64_t groups = float_groups(job.weight->cols);
    for (int64_t g = 0; g < groups; ++g) {
      const WordVec add = hn::BitCast(
          Words(), hn::Set(Floats(), job.scratch.scales[g / kScaledGroups]));
      for (int half = 0; half < 2; ++half)
        hn::Store(
            hn::BitCast(d, add_to_exponents(x_at(from, g, half), add)),
            d,
            reinterpret_cast<uint8_t*>(
                to + g * kFloatGroup + half * (kFloatGroup / 2)));
    }
  }

  template <int T>
  static HWY_INLINE void panel_tile(
      const std::byte* panel,
      int64_t stride,
      const uint16_t* const* x,
      int64_t first_group,
      int64_t last_group,
      const float* scales,
      float* sums) {
    const uint16_t* w[kR];
    for (int r = 0; r < kR; ++r)
      w[r] = reinterpret_cast<const uint16_t*>(panel + r * stride);
    accumulate<kR, T>(
        first_group,
        last_group,
        scales,
        sums,
        [&](FloatVec(&acc)[kR][T], int64_t first, int64_t last) {
          for (int64_t g = first; g < last; ++g)
            for (int half = 0; half < 2; ++half) {
              WordVec ws[kR];
              for (int r = 0; r < kR; ++r)
                ws[r] = x_at(w[r], g, half);
              for (int t = 0; t < T; ++t) {
                const WordVec xt = x_at(x[t], g, half);
                for (int r = 0; r < kR; ++r)
                  acc[r][t] = dot_pairs(acc[r][t], ws[r], xt);
              }
            }
        });
  }

  static HWY_INLINE WordVec x_at(const uint16_t* x, int64_t g, int half) {
    const hn::Repartition<uint16_t, Floats> d;
    return hn::BitCast(
        Words(), hn::Load(d, x + g * kFloatGroup + half * kFloatGroup / 2));
  }
};

template <DotScales kScales, class Decoder>
void run_dots(const FloatJob& job) {
  if (job.count <= kFewTokens)
    few_tokens<DotKernel<kScales>, Decoder>(job);
  else
    through_panel<DotKernel<kScales>, Decoder>(job);
}

void Bf16Product(const FloatJob& job) {
  const bool power_of_two = job.weight->scale_format == ScaleFormat::e8m0;
  begin_product(job);
  switch (job.weight->format) {
    case WeightFormat::fp8_block:
      if (!power_of_two)
        return run_dots<DotScales::in_sums, CodesFp8>(job);
      if (job.count <= kFewTokens)
        return few_tokens<DotKernel<DotScales::in_tokens>, CodesFp8>(job);
      return through_panel<DotKernel<DotScales::in_weights>, ScaledFp8>(job);
    case WeightFormat::mxfp8:
      return run_dots<DotScales::in_weights, ScaledFp8>(job);
    case WeightFormat::bf16:
      return run_dots<DotScales::none, PlainBf16>(job);
    default:
      break;  // refused by check_product
  }
}

#else

void Bf16Product(const FloatJob&) {}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(Bf16Product);

void product_bf16(const FloatJob& job) {
  HADAL_CHECK(has_bf16_dot());
  HWY_DYNAMIC_DISPATCH(Bf16Product)(job);
}

}  // namespace hadal
#endif
