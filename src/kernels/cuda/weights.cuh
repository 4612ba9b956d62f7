// Eight weights of a row in any format, where they lie in the device's memory.
#pragma once

#include <cstdint>

#include "kernels/cuda/numbers.cuh"
#include "kernels/weight_view.h"

namespace hadal::cuda {

__device__ inline float stored_number(
    ScaleFormat format, const std::byte* from, int64_t index) {
  switch (format) {
    case ScaleFormat::e8m0:
      return e8m0_value(reinterpret_cast<const uint8_t*>(from)[index]);
    case ScaleFormat::f32:
      return reinterpret_cast<const float*>(from)[index];
    case ScaleFormat::bf16:
      return bf16_value(reinterpret_cast<const uint16_t*>(from)[index]);
    case ScaleFormat::f16:
      return f16_value(reinterpret_cast<const uint16_t*>(from)[index]);
    case ScaleFormat::none:
      break;
  }
  return 1;
}

// The scale of an E4M3 weight that meets bfloat16 activations (linear.h).
__device__ inline float limited_scale(float scale, ScaleFormat format) {
  if (format != ScaleFormat::e8m0)
    return scale;
  return scale <= 0x1p40F ? fmaxf(scale, 0x1p-46F) : __uint_as_float(kFloatNan);
}

// Columns k .. k + 7 of `row`, zeros beyond the last; k is a multiple of 8.
// `rounded`: for bfloat16 activations, with the limits of linear.h.
__device__ inline void eight_weights(
    const WeightView& view, int64_t row, int64_t k, bool rounded, float* w) {
  const auto* const bytes =
      reinterpret_cast<const uint8_t*>(view.data + row * view.row_bytes);
  const int count = view.cols - k < 8 ? static_cast<int>(view.cols - k) : 8;
  switch (view.format) {
    case WeightFormat::f32:
      for (int i = 0; i < 8; ++i)
        w[i] = i < count ? reinterpret_cast<const float*>(bytes)[k + i] : 0;
      return;
    case WeightFormat::bf16:
      for (int i = 0; i < 8; ++i) {
        w[i] = i < count
                   ? bf16_value(reinterpret_cast<const uint16_t*>(bytes)[k + i])
                   : 0;
        if (rounded && fabsf(w[i]) < 0x1p-48F)
          w[i] = 0;
      }
      return;
    case WeightFormat::f16:
      for (int i = 0; i < 8; ++i)
        w[i] = i < count
                   ? f16_value(reinterpret_cast<const uint16_t*>(bytes)[k + i])
                   : 0;
      return;
    case WeightFormat::fp8_block:
    case WeightFormat::mxfp8: {
      const bool blocks = view.format == WeightFormat::fp8_block;
      float scale = stored_number(
          view.scale_format,
          view.scales + (blocks ? row / 128 : row) * view.scale_stride,
          k / (blocks ? 128 : 32));
      if (rounded)
        scale = limited_scale(scale, view.scale_format);
      for (int i = 0; i < 8; ++i)
        w[i] = i < count ? e4m3_value(bytes[k + i]) * scale : 0;
      return;
    }
    case WeightFormat::mxfp4: {
      const float scale = stored_number(
          view.scale_format, view.scales + row * view.scale_stride, k / 32);
      for (int i = 0; i < 8; ++i)
        w[i] = e2m1_value(bytes[k / 2 + i / 2] >> (i % 2 * 4) & 15) * scale;
      return;
    }
    case WeightFormat::affine: {
      const float scale = stored_number(
          view.scale_format,
          view.scales + row * view.scale_stride,
          k / view.group);
      const float bias = stored_number(
          view.scale_format,
          view.biases + row * view.scale_stride,
          k / view.group);
      uint64_t codes = 0;
      for (int i = 0; i < view.bits; ++i)
        codes |= static_cast<uint64_t>(bytes[k / 8 * view.bits + i]) << (8 * i);
      const uint32_t mask = (1U << view.bits) - 1;
      for (int i = 0; i < 8; ++i)
        w[i] = __fmaf_rn(
            static_cast<float>(
                static_cast<uint32_t>(codes >> (i * view.bits)) & mask),
            scale,
            bias);
      return;
    }
  }
}

// One lane's share of the product of a row with up to kTokens inputs (x + t *
// stride): lane l takes columns 8 l + 256 i. Whatever kTokens is, an input's
// sum has the same order.
template <int kTokens>
__device__ void row_products(
    const WeightView& view,
    int64_t row,
    bool rounded,
    const float* x,
    int64_t stride,
    int tokens,
    float* sums) {
  for (int t = 0; t < kTokens; ++t)
    sums[t] = 0;
  for (int64_t k = 8 * (threadIdx.x % 32); k < view.cols; k += 256) {
    float w[8];
    eight_weights(view, row, k, rounded, w);
    const int count = view.cols - k < 8 ? static_cast<int>(view.cols - k) : 8;
#pragma unroll
    for (int t = 0; t < kTokens; ++t)
      if (t < tokens)
        for (int i = 0; i < count; ++i)
          sums[t] = __fmaf_rn(x[t * stride + k + i], w[i], sums[t]);
  }
}

}  // namespace hadal::cuda
