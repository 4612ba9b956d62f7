// The meaning of a product in plain scalar code.
#include <algorithm>
#include <cmath>
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

void float_rows(const LinearParams& params, int64_t begin, int64_t end) {
  const int64_t cols = params.weight.cols;
  const bool round = params.activation == ActivationFormat::bf16;
  std::vector<float> w(static_cast<size_t>(cols));
  for (int64_t r = begin; r < end; ++r) {
    dequantize_row(params.weight, r, w.data());
    for (int64_t t = 0; t < params.tokens; ++t) {
      const float* x = params.x + t * params.x_stride;
      float sum = 0;
      for (int64_t k = 0; k < cols; ++k)
        sum += (round ? bf16_to_float(float_to_bf16(x[k])) : x[k]) * w[k];
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
