// For tests: the contract of linear.h, word by word, for one output at a time,
// and products of whole batches.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "kernels/codecs/affine.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/codecs/number_formats.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/weight_scales.h"

namespace hadal {

inline std::vector<float> run(
    void (*linear)(const LinearParams&, ThreadTeam&),
    const WeightView& weight,
    ActivationFormat activation,
    const float* x,
    int64_t tokens,
    int threads) {
  ThreadTeam team(threads);
  std::vector<float> y(static_cast<size_t>(tokens * weight.rows), -777.0F);
  linear(
      {.x = x,
       .x_stride = weight.cols,
       .y = y.data(),
       .y_stride = weight.rows,
       .tokens = tokens,
       .weight = weight,
       .activation = activation},
      team);
  return y;
}

// The weights of a row as products with bfloat16 activations take them.
inline std::vector<float> bf16_weights(const WeightView& view, int64_t row) {
  std::vector<float> w(static_cast<size_t>(view.cols));
  dequantize_row(view, row, w.data());
  if (view.format == WeightFormat::mxfp4 || view.format == WeightFormat::affine)
    return w;
  for (int64_t k = 0; k < view.cols; ++k) {
    if (view.format == WeightFormat::bf16) {
      w[k] = std::abs(w[k]) < std::ldexp(1.0F, -48) ? 0 : w[k];
      continue;
    }
    w[k] = e4m3_to_float(
        static_cast<uint8_t>(view.data[row * view.row_bytes + k]));
    if (view.scale_format == ScaleFormat::e8m0)
      w[k] *= std::max(weight_scale(view, row, k), std::ldexp(1.0F, -46));
  }
  return w;
}

inline float bf16_activation(float x) {
  const float rounded = bf16_to_float(float_to_bf16(x));
  if (std::abs(rounded) < std::ldexp(1.0F, -64))
    return 0;
  return std::abs(rounded) >= std::ldexp(1.0F, 87)
             ? std::copysign(std::numeric_limits<float>::infinity(), rounded)
             : rounded;
}

inline float contract_float(
    const WeightView& view, int64_t row, const float* x, bool bf16) {
  std::vector<float> w(static_cast<size_t>(view.cols));
  if (bf16) {
    w = bf16_weights(view, row);
    const bool limited = view.scale_format == ScaleFormat::e8m0 &&
                         view.format != WeightFormat::mxfp4;
    for (int64_t k = 0; limited && k < view.cols; ++k)
      if (!(weight_scale(view, row, k) <= std::ldexp(1.0F, 40)))
        return std::numeric_limits<float>::quiet_NaN();
  } else {
    dequantize_row(view, row, w.data());
  }
  const bool blocks = bf16 && view.format == WeightFormat::fp8_block &&
                      view.scale_format == ScaleFormat::f32;
  float acc[16] = {};
  float block[16] = {};
  float* sums = blocks ? block : acc;
  for (int64_t group = 0; group < view.cols; group += 64) {
    for (int64_t i = 0; i < 16; ++i)
      for (const int64_t offset : {1, 0, 9, 8}) {
        const int64_t k = group + 16 * (i / 4) + 2 * (i % 4) + offset;
        const float xk = k >= view.cols ? 0
                         : bf16         ? bf16_activation(x[k])
                                        : x[k];
        sums[i] = std::fma(xk, k < view.cols ? w[k] : 0.0F, sums[i]);
      }
    if (!blocks || (group % 128 == 0 && group + 64 < view.cols))
      continue;
    const float scale = weight_scale(view, row, group);
    for (int64_t i = 0; i < 16; ++i) {
      acc[i] = std::fma(block[i], scale, acc[i]);
      block[i] = 0;
    }
  }
  for (int h = 8; h > 0; h /= 2)
    for (int i = 0; i < h; ++i)
      acc[i] += acc[i + h];
  return acc[0];
}

inline float contract_integer(
    const WeightView& view, int64_t row, const float* x, float largest) {
  const bool affine = view.format == WeightFormat::affine;
  std::vector<uint8_t> codes(static_cast<size_t>(view.cols));
  const std::byte* data = view.data + row * view.row_bytes;
  unpack_affine(affine ? view.bits : 4, data, 0, view.cols, codes.data());
  float sums[16] = {};
  for (int64_t k0 = 0; k0 < view.cols; k0 += 32) {
    float& acc = sums[k0 / 32 % 16];
    const int64_t end = std::min(view.cols, k0 + 32);
    float amax = 0;
    for (int64_t k = k0; k < end; ++k)
      amax = std::max(amax, std::abs(x[k]));
    const float s = amax / largest;
    int32_t product = 0;
    int32_t sum = 0;
    for (int64_t k = k0; k < end; ++k) {
      const int32_t c =
          static_cast<int32_t>(std::nearbyint(x[k] * (largest / amax)));
      const int32_t q =
          affine ? codes[k] : static_cast<int32_t>(2 * e2m1_to_float(codes[k]));
      product += c * q;
      sum += c;
    }
    // Scale and bias by way of the dequantised values of known codes.
    const int64_t at = affine ? k0 / view.group : k0 / 32;
    const auto number = [&](const std::byte* from) {
      from += row * view.scale_stride;
      if (view.scale_format == ScaleFormat::e8m0)
        return e8m0_to_float(static_cast<uint8_t>(from[at]));
      float f32;
      uint16_t half;
      if (view.scale_format == ScaleFormat::f32) {
        std::memcpy(&f32, from + 4 * at, 4);
        return f32;
      }
      std::memcpy(&half, from + 2 * at, 2);
      return view.scale_format == ScaleFormat::bf16 ? bf16_to_float(half)
                                                    : f16_to_float(half);
    };
    const float dot = static_cast<float>(product);
    if (!affine) {
      acc = std::fma(dot, s * (number(view.scales) / 2), acc);
      continue;
    }
    acc = std::fma(dot, s * number(view.scales), acc);
    acc = std::fma(s * static_cast<float>(sum), number(view.biases), acc);
  }
  float y = 0;
  for (const float acc : sums)
    y += acc;
  return y;
}

inline std::vector<float> contract(
    const WeightView& view,
    ActivationFormat activation,
    const std::vector<float>& x,
    int64_t tokens) {
  std::vector<float> y;
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t r = 0; r < view.rows; ++r) {
      const float* row = x.data() + t * view.cols;
      y.push_back(
          is_integer(activation)
              ? contract_integer(
                    view,
                    r,
                    row,
                    activation == ActivationFormat::int8 ? 127.0F : 32639.0F)
              : contract_float(
                    view, r, row, activation == ActivationFormat::bf16));
    }
  return y;
}

}  // namespace hadal
