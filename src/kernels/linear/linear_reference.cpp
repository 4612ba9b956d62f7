// The meaning of a product in plain scalar code.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/codecs/affine.h"
#include "kernels/codecs/dequantize.h"
#include "kernels/codecs/number_formats.h"
#include "kernels/linear/activation_codes.h"
#include "kernels/linear/linear.h"
#include "kernels/linear/product.h"
#include "kernels/linear/weight_scales.h"

namespace hadal {
namespace {

// An activation as bfloat16 (linear.h).
float as_bf16(float x) {
  const float rounded = bf16_to_float(float_to_bf16(x));
  if (std::abs(rounded) < 0x1p-64F)
    return 0;
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  return std::abs(rounded) >= 0x1p87F ? std::copysign(kInfinity, rounded)
                                      : rounded;
}

// The weights of a row for bfloat16 activations, in place.
void limit_weights(const WeightView& view, int64_t row, float* w) {
  if (view.format == WeightFormat::mxfp4 || view.format == WeightFormat::affine)
    return;
  for (int64_t k = 0; k < view.cols; ++k) {
    if (view.format == WeightFormat::bf16) {
      if (std::abs(w[k]) < 0x1p-48F)
        w[k] = 0;
      continue;
    }
    if (view.scale_format != ScaleFormat::e8m0)
      continue;
    const float scale = weight_scale(view, row, k);
    const float code = e4m3_to_float(
        static_cast<uint8_t>(view.data[row * view.row_bytes + k]));
    if (scale <= 0x1p40F)
      w[k] = code * std::max(scale, 0x1p-46F);
    else
      w[k] = std::numeric_limits<float>::quiet_NaN();
  }
}

void float_rows(const LinearParams& params, int64_t begin, int64_t end) {
  const int64_t cols = params.weight.cols;
  const bool round = params.activation == ActivationFormat::bf16;
  std::vector<float> w(static_cast<size_t>(cols));
  for (int64_t r = begin; r < end; ++r) {
    dequantize_row(params.weight, r, w.data());
    if (round)
      limit_weights(params.weight, r, w.data());
    for (int64_t t = 0; t < params.tokens; ++t) {
      const float* x = params.x + t * params.x_stride;
      float sum = 0;
      for (int64_t k = 0; k < cols; ++k)
        sum += (round ? as_bf16(x[k]) : x[k]) * w[k];
      params.y[t * params.y_stride + r] = sum;
    }
  }
}

// Column k of a row as an integer: twice the E2M1 value, or the affine code.
int32_t integer_code(const WeightView& view, const std::byte* row, int64_t k) {
  if (view.format == WeightFormat::mxfp4) {
    const uint8_t pair = static_cast<uint8_t>(row[k / 2]);
    const uint8_t code = (k & 1) != 0 ? pair >> 4 : pair & 15;
    return static_cast<int32_t>(2 * e2m1_to_float(code));
  }
  uint8_t codes[8];
  const int64_t first = k / 8 * 8;
  unpack_affine(view.bits, row, first, k - first + 1, codes);
  return codes[k - first];
}

void integer_rows(const LinearParams& params, int64_t begin, int64_t end) {
  const WeightView& view = params.weight;
  const bool affine = view.format == WeightFormat::affine;
  const int32_t limit =
      params.activation == ActivationFormat::int8 ? kInt8Limit : kInt16Limit;
  for (int64_t t = 0; t < params.tokens; ++t) {
    const float* x = params.x + t * params.x_stride;
    for (int64_t r = begin; r < end; ++r)
      params.y[t * params.y_stride + r] = 0;
    for (int64_t k0 = 0; k0 < view.cols; k0 += kActivationBlock) {
      int32_t codes[kActivationBlock];
      const int64_t count = std::min(kActivationBlock, view.cols - k0);
      const float s = encode_activation_block(x + k0, count, limit, codes);
      for (int64_t r = begin; r < end; ++r) {
        const std::byte* row = view.data + r * view.row_bytes;
        int32_t product = 0;
        int32_t sum = 0;
        for (int64_t i = 0; i < count; ++i) {
          product += codes[i] * integer_code(view, row, k0 + i);
          sum += codes[i];
        }
        const float scale = weight_scale(view, r, k0);
        float& y = params.y[t * params.y_stride + r];
        if (affine) {
          y += static_cast<float>(product) * (s * scale);
          y += s * static_cast<float>(sum) * weight_bias(view, r, k0);
        } else {
          y += static_cast<float>(product) * (s * (scale / 2));
        }
      }
    }
  }
}

}  // namespace

void linear_reference(const LinearParams& params, ThreadTeam& team) {
  check_product(params.weight, params.activation);
  const bool integer = is_integer(params.activation);
  team.parallel_for(
      params.weight.rows, 16, [&](int64_t begin, int64_t end, int) {
        if (integer)
          integer_rows(params, begin, end);
        else
          float_rows(params, begin, end);
      });
}

}  // namespace hadal
