// For the tests of the affine encoder: rows, what they become, what it costs.
#pragma once

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "kernels/codecs/affine_encode.h"
#include "kernels/codecs/dequantize.h"

namespace hadal::testing {

inline constexpr int64_t kCols = 256;

struct Encoded {
  AffineFormat format;
  int64_t cols = 0;
  std::vector<std::byte> codes;
  std::vector<std::byte> scales;
  std::vector<std::byte> biases;

  bool operator==(const Encoded& other) const {
    return codes == other.codes && scales == other.scales &&
           biases == other.biases;
  }
};

inline Encoded encode(
    const AffineFormat& format,
    AffineRule rule,
    const std::vector<float>& row,
    const ErrorMetric& metric = {}) {
  const auto cols = static_cast<int64_t>(row.size());
  const int width = format.scale_format == ScaleFormat::f32 ? 4 : 2;
  const auto pairs = static_cast<size_t>(cols / format.group * width);
  Encoded out{
      format,
      cols,
      std::vector<std::byte>(static_cast<size_t>(cols * format.bits / 8)),
      std::vector<std::byte>(pairs),
      std::vector<std::byte>(pairs)};
  encode_affine_row(
      format,
      rule,
      row.data(),
      metric,
      cols,
      out.codes.data(),
      out.scales.data(),
      out.biases.data());
  return out;
}

inline std::vector<float> decode(const Encoded& encoded) {
  WeightView view;
  view.format = WeightFormat::affine;
  view.scale_format = encoded.format.scale_format;
  view.bits = static_cast<uint8_t>(encoded.format.bits);
  view.group = static_cast<uint16_t>(encoded.format.group);
  view.rows = 1;
  view.cols = encoded.cols;
  view.row_bytes = static_cast<int64_t>(encoded.codes.size());
  view.scale_stride = static_cast<int64_t>(encoded.scales.size());
  view.data = encoded.codes.data();
  view.scales = encoded.scales.data();
  view.biases = encoded.biases.data();
  std::vector<float> out(static_cast<size_t>(encoded.cols));
  dequantize_row(view, 0, out.data());
  return out;
}

inline double squared_error(
    const std::vector<float>& a,
    const std::vector<float>& b,
    const std::vector<float>& weights) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double off = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += static_cast<double>(weights[i]) * off * off;
  }
  return sum;
}

inline std::vector<float> normal_row(uint32_t seed, int64_t cols = kCols) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> row(static_cast<size_t>(cols));
  for (float& value : row)
    value = normal(random);
  return row;
}

inline std::vector<AffineFormat> all_formats() {
  std::vector<AffineFormat> formats;
  for (const int bits : {2, 3, 4, 5, 6, 8})
    for (const int group : {32, 64, 128})
      for (const ScaleFormat scale :
           {ScaleFormat::f32, ScaleFormat::bf16, ScaleFormat::f16})
        formats.push_back({bits, group, scale});
  return formats;
}

// The metric of inputs that go together: E[x_i x_j] = together^|i - j|, whose
// factor is known: R[i, j] for a first-order process that runs backwards.
struct Together {
  std::vector<float> weights;
  std::vector<float> factors;
  std::vector<float> products;
  ErrorMetric metric;

  Together(int64_t cols, int64_t block, double together)
      : weights(static_cast<size_t>(cols)),
        factors(static_cast<size_t>(cols * block)),
        products(factors.size()) {
    for (int64_t i = 0; i < cols; ++i) {
      const int64_t begin = i / block * block;
      const int64_t end = std::min(cols, begin + block);
      const bool last = i + 1 == end;
      weights[static_cast<size_t>(i)] =
          static_cast<float>(last ? 1 : 1 - together * together);
      for (int64_t j = i; j < end; ++j)
        factors[static_cast<size_t>(i * block + j - begin)] =
            static_cast<float>(std::pow(together, j - i));
    }
    for (int64_t i = 0; i < cols; ++i) {
      const int64_t begin = i / block * block;
      for (int64_t j = begin; j < std::min(cols, begin + block); ++j)
        products[static_cast<size_t>(i * block + j - begin)] =
            static_cast<float>(std::pow(together, std::abs(i - j)));
    }
    metric = {weights.data(), factors.data(), products.data(), block};
  }

  double cost(const std::vector<float>& a, const std::vector<float>& b) const {
    std::vector<double> mixed(a.size());
    for (size_t i = 0; i < a.size(); ++i) {
      const auto block = static_cast<size_t>(metric.block);
      const size_t begin = i / block * block;
      for (size_t j = i; j < std::min(a.size(), begin + block); ++j)
        mixed[j] += static_cast<double>(factors[i * block + j - begin]) *
                    (static_cast<double>(a[i]) - static_cast<double>(b[i]));
    }
    double sum = 0;
    for (size_t j = 0; j < mixed.size(); ++j)
      sum += static_cast<double>(weights[j]) * mixed[j] * mixed[j];
    return sum;
  }
};

}  // namespace hadal::testing
