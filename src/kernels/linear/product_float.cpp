// Products with float32 activations, and with bfloat16 ones where the machine
// has no bfloat16 dot product: fused multiply-adds in sixteen lanes along K.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/linear/product_float.cpp"
#include "hwy/foreach_target.h"  // first: it includes this file per target

#include "hwy/highway.h"

#include "kernels/linear/float_columns-inl.h"
#include "kernels/linear/float_panels-inl.h"
#include "kernels/linear/float_tiles-inl.h"
#include "kernels/linear/fma_sums-inl.h"
#include "kernels/linear/nibble_rows-inl.h"

HWY_BEFORE_NAMESPACE();
namespace hadal {
namespace HWY_NAMESPACE {

template <Scales kScales>
struct FmaKernel {
  using X = float;
  static constexpr int64_t kGroupBytes = 256;

  static HWY_INLINE const float* token(const FloatJob& job, int64_t i) {
    return job.input->values + job.input_row(i) * job.input->stride;
  }

  static HWY_INLINE void widen(
      const FloatJob& job, int64_t first, int64_t end, float* /*starts*/) {
    widen_scales(job, first, end);
    if constexpr (kScales == Scales::limited) {
      const int64_t count = kSourceRows * job.scratch.scale_room;
      float* scales = job.scratch.scales;
      for (int64_t i = 0; i < count; i += kWidth)
        hn::Store(
            limited_scale(hn::Load(Floats(), scales + i)),
            Floats(),
            scales + i);
    }
  }

  template <int T, class Decoder>
  static HWY_INLINE void rows(
      const Decoder& decoder,
      const SourceRows& from,
      int64_t row_bytes,
      const float* const* x,
      int64_t groups,
      float* sums) {
    constexpr int R =
        T == 1 ? least(Decoder::kRowsAtOnce, tile_rows<1>()) : tile_rows<T>();
    constexpr int64_t kBytes = R * Decoder::kGroupBytes;
    for (int r0 = 0; r0 < kSourceRows; r0 += R) {
      const int64_t ahead = T == 1 ? bytes_ahead(R, row_bytes) : R * row_bytes;
      const uint8_t* next = from.data[r0] + ahead;
      accumulate<kScales, R, T>(
          0,
          groups,
          from.scales[0],
          sums + r0 * kSumStride,
          [&](Accumulators<R, T>& acc, int64_t first, int64_t last) {
            for (int64_t g = first; g < last; ++g) {
              for (int64_t i = 0; i < kBytes; i += 64)
                __builtin_prefetch(next + g * kBytes + i);
              for (int p = 0; p < kParts; ++p)
                for (int r = 0; r < R; ++r) {
                  const Steps w = decoder.part(from, r0 + r, g, p);
                  for (int t = 0; t < T; ++t)
                    for (int s = 0; s < 4; ++s)
                      acc.v[r][t][p] =
                          fused(x_at(x[t], g, s, p), w.v[s], acc.v[r][t][p]);
                }
            }
          });
    }
  }

  template <int T>
  static HWY_INLINE void panel(
      const std::byte* panel,
      int64_t stride,
      const float* const* x,
      int64_t first_group,
      int64_t last_group,
      const float* scales,
      float* sums) {
    constexpr int R = tile_rows<T>();
    for (int r0 = 0; r0 < kSourceRows; r0 += R) {
      const float* w[R];
      for (int r = 0; r < R; ++r)
        w[r] = reinterpret_cast<const float*>(panel + (r0 + r) * stride);
      accumulate<kScales, R, T>(
          first_group,
          last_group,
          scales,
          sums + r0 * kSumStride,
          [&](Accumulators<R, T>& acc, int64_t first, int64_t last) {
            for (int64_t g = first; g < last; ++g)
              for (int s = 0; s < 4; ++s)
                for (int p = 0; p < kParts; ++p) {
                  FloatVec ws[R];
                  for (int r = 0; r < R; ++r)
                    ws[r] = x_at(w[r], g, s, p);
                  for (int t = 0; t < T; ++t) {
                    const FloatVec xt = x_at(x[t], g, s, p);
                    for (int r = 0; r < R; ++r)
                      acc.v[r][t][p] = fused(xt, ws[r], acc.v[r][t][p]);
                  }
                }
          });
    }
  }

  template <class Decoder>
  static HWY_INLINE void fill(
      const Decoder& decoder,
      const SourceRows& from,
      int64_t row_bytes,
      int64_t groups,
      std::byte* to,
      int64_t stride) {
    const uint8_t* next = from.data[0] + kSourceRows * row_bytes;
    constexpr int64_t kBytes = kSourceRows * Decoder::kGroupBytes;
    for (int64_t g = 0; g < groups; ++g) {
      for (int64_t i = 0; i < kBytes; i += 64)
        __builtin_prefetch(next + g * kBytes + i);
      for (int r = 0; r < kSourceRows; ++r) {
        float* out =
            reinterpret_cast<float*>(to + r * stride + g * kGroupBytes);
        for (int p = 0; p < kParts; ++p) {
          const Steps w = decoder.part(from, r, g, p);
          for (int s = 0; s < 4; ++s)
            hn::Store(w.v[s], Floats(), out + s * kFloatLanes + p * kWidth);
        }
      }
    }
  }

 private:
  static HWY_INLINE FloatVec x_at(const float* x, int64_t g, int s, int p) {
    return hn::Load(
        Floats(), x + g * kFloatGroup + s * kFloatLanes + p * kWidth);
  }
};

template <Scales kScales, class Decoder>
void run(const FloatJob& job) {
  if (job.count <= kFewTokens)
    few_tokens<FmaKernel<kScales>, Decoder>(job);
  else
    through_panel<FmaKernel<kScales>, Decoder>(job);
}

void run_exact(const FloatJob& job) {
  switch (job.weight->format) {
    case WeightFormat::f32:
      return run<Scales::in_weights, F32Decoder>(job);
    case WeightFormat::bf16:
      return run<Scales::in_weights, Bf16Decoder<false> >(job);
    case WeightFormat::f16:
      return run<Scales::in_weights, F16Decoder>(job);
    case WeightFormat::fp8_block:
    case WeightFormat::mxfp8:
      return run<Scales::in_weights, Fp8Decoder<true> >(job);
    case WeightFormat::mxfp4:
      return run<Scales::in_weights, NibbleDecoder<false> >(job);
    case WeightFormat::affine:
      if (job.weight->bits == 4)
        return run<Scales::in_weights, NibbleDecoder<true> >(job);
      return run<Scales::in_weights, ByteDecoder>(job);
  }
}

void run_bf16(const FloatJob& job) {
  switch (job.weight->format) {
    case WeightFormat::fp8_block:
      if (job.weight->scale_format != ScaleFormat::e8m0)
        return run<Scales::in_sums, Fp8Decoder<false> >(job);
      [[fallthrough]];
    case WeightFormat::mxfp8:
      return run<Scales::limited, Fp8Decoder<true> >(job);
    case WeightFormat::bf16:
      return run<Scales::in_weights, Bf16Decoder<true> >(job);
    default:
      return run_exact(job);  // float32 weights, activations rounded before
  }
}

// What is left of the job after its rows before `row`.
FloatJob rows_from(const FloatJob& job, int64_t row) {
  FloatJob rest = job;
  rest.y += row - job.row_begin;
  rest.row_begin = row;
  return rest;
}

void FloatProduct(const FloatJob& given) {
  FloatJob job = given;
  begin_product(job);
#if HWY_MAX_BYTES == 64
  if (job.count == 1 && fits_nibble_rows(*job.weight)) {
    const float* x = FmaKernel<Scales::in_weights>::token(job, 0);
    job = rows_from(job, nibble_rows(job, x));
  }
#endif
  if (job.input->format == ActivationFormat::bf16)
    run_bf16(job);
  else
    run_exact(job);
}

}  // namespace HWY_NAMESPACE
}  // namespace hadal
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace hadal {

HWY_EXPORT(FloatProduct);

void float_product(
    const ProductInput& input,
    const int32_t* ids,
    int64_t count,
    const WeightView& weight,
    int64_t row_begin,
    int64_t row_end,
    float* y,
    int64_t y_stride,
    std::byte* scratch) {
  FloatJob job = {
      &input,
      ids,
      count,
      &weight,
      row_begin,
      row_end,
      y,
      y_stride,
      lay_out_float_scratch(weight.cols, scratch)};
  if (input.pairs == nullptr) {
    HWY_DYNAMIC_DISPATCH(FloatProduct)(job);
    return;
  }
  if (has_bf16_weights(weight)) {
    product_bf16(job);
    return;
  }
  const ProductInput widened = widened_input(input, ids, count);
  job.input = &widened;
  job.ids = nullptr;
  HWY_DYNAMIC_DISPATCH(FloatProduct)(job);
}

}  // namespace hadal
#endif
