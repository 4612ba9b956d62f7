#include "weights/testing/relayed_formats.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>

#include "kernels/codecs/number_formats.h"

namespace hadal::testing {
namespace {

uint8_t byte_at(const RelayedTensor& tensor, int64_t index) {
  return static_cast<uint8_t>(tensor.bytes[static_cast<size_t>(index)]);
}

float rounded_to_bf16(float value) {
  return bf16_to_float(float_to_bf16(value));
}

RelayedTensor stack(const std::vector<const RelayedTensor*>& items) {
  RelayedTensor out{items[0]->dtype, {static_cast<int64_t>(items.size())}, {}};
  for (int64_t extent : items[0]->shape)
    out.shape.push_back(extent);
  for (const RelayedTensor* item : items)
    out.bytes.insert(out.bytes.end(), item->bytes.begin(), item->bytes.end());
  return out;
}

}  // namespace

RelayedTensor tensor_of(const StoredTensor& stored) {
  return {
      stored.dtype,
      stored.shape,
      Bytes(stored.data, stored.data + stored.bytes)};
}

Matrix decode(const Parts& parts) {
  const RelayedTensor& weight = parts.at("weight");
  Matrix matrix{weight.shape[0], weight.shape[1], {}};
  if (weight.dtype == Dtype::i8)
    matrix.cols *= 2;
  matrix.values.resize(static_cast<size_t>(matrix.rows * matrix.cols));
  const RelayedTensor* scale =
      parts.contains("scale") ? &parts.at("scale") : nullptr;
  for (int64_t r = 0; r < matrix.rows; ++r)
    for (int64_t c = 0; c < matrix.cols; ++c) {
      const int64_t at = r * matrix.cols + c;
      float& value = matrix.values[static_cast<size_t>(at)];
      if (weight.dtype == Dtype::i8) {
        const int byte = byte_at(weight, at / 2);
        const int code = c % 2 == 0 ? byte & 15 : byte >> 4;
        value = e2m1_to_float(static_cast<uint8_t>(code)) *
                e8m0_to_float(byte_at(*scale, at / 32));
      } else if (weight.dtype == Dtype::f8_e4m3) {
        value =
            e4m3_to_float(byte_at(weight, at)) *
            e8m0_to_float(byte_at(*scale, r / 128 * scale->shape[1] + c / 128));
      } else if (weight.dtype == Dtype::bf16) {
        uint16_t bits = 0;
        std::memcpy(&bits, weight.bytes.data() + 2 * at, 2);
        value = bf16_to_float(bits);
      } else {
        throw std::logic_error("no matrix of the release");
      }
    }
  return matrix;
}

RelayedTensor bf16_tensor(
    const TensorShape& shape, const std::vector<float>& values) {
  RelayedTensor tensor{Dtype::bf16, shape, Bytes(values.size() * 2)};
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t bits = float_to_bf16(values[i]);
    std::memcpy(tensor.bytes.data() + 2 * i, &bits, 2);
  }
  return tensor;
}

Parts affine(
    const Matrix& matrix,
    int bits,
    int64_t group,
    const RelayedTensor* fp4_units) {
  const int64_t groups = matrix.rows * matrix.cols / group;
  const int64_t row_bytes = matrix.cols * bits / 8;
  RelayedTensor words{
      Dtype::u32,
      {matrix.rows, matrix.cols * bits / 32},
      Bytes(static_cast<size_t>(matrix.rows * row_bytes))};
  std::vector<float> scales;
  std::vector<float> biases;
  uint32_t stream = 0;
  int filled = 0;
  size_t next = 0;
  for (int64_t g = 0; g < groups; ++g) {
    const float* first = matrix.values.data() + g * group;
    const auto [low, high] = std::minmax_element(first, first + group);
    const int levels = (1 << bits) - 1;
    float scale = rounded_to_bf16((*high - *low) / static_cast<float>(levels));
    float bias = rounded_to_bf16(*low);
    if (fp4_units != nullptr) {
      const float unit = e8m0_to_float(byte_at(*fp4_units, g));
      scale = unit / 2;
      bias = -6 * unit;
    }
    if (scale == 0)
      scale = 1;
    for (int64_t i = 0; i < group; ++i) {
      const float exact = (first[i] - bias) / scale;
      const auto code = static_cast<uint32_t>(
          std::clamp(std::round(exact), 0.0F, static_cast<float>(levels)));
      // One stream of bits, least significant first; groups fill whole bytes.
      stream |= code << filled;
      filled += bits;
      for (; filled >= 8; filled -= 8, stream >>= 8)
        words.bytes[next++] = static_cast<std::byte>(stream & 255);
    }
    scales.push_back(scale);
    biases.push_back(bias);
  }
  const TensorShape per_group{matrix.rows, matrix.cols / group};
  return {
      {"weight", std::move(words)},
      {"scales", bf16_tensor(per_group, scales)},
      {"biases", bf16_tensor(per_group, biases)}};
}

Parts words(const Parts& parts) {
  RelayedTensor weight = parts.at("weight");
  RelayedTensor scales = parts.at("scale");
  const bool fp4 = weight.dtype == Dtype::i8;
  const int64_t rows = weight.shape[0];
  const int64_t cols = weight.shape[1] * (fp4 ? 2 : 1);
  weight.dtype = Dtype::u32;
  weight.shape = {rows, weight.shape[1] / 4};
  if (!fp4) {
    // A scale a block of 128 x 128 becomes one a row and 32 columns.
    RelayedTensor wide{Dtype::u8, {rows, cols / 32}, {}};
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t g = 0; g < cols / 32; ++g)
        wide.bytes.push_back(
            scales
                .bytes[static_cast<size_t>(r / 128 * scales.shape[1] + g / 4)]);
    scales = std::move(wide);
  }
  scales.dtype = Dtype::u8;
  return {{"weight", std::move(weight)}, {"scales", std::move(scales)}};
}

Parts stack_parts(const std::vector<Parts>& items) {
  Parts out;
  for (const auto& [name, first] : items[0]) {
    std::vector<const RelayedTensor*> tensors;
    for (const Parts& item : items)
      tensors.push_back(&item.at(name));
    out.emplace(name, stack(tensors));
  }
  return out;
}

RelayedTensor rows_of(
    const RelayedTensor& tensor, int64_t first, int64_t count) {
  const auto row_bytes =
      static_cast<int64_t>(tensor.bytes.size()) / tensor.shape[0];
  return {
      tensor.dtype,
      {count, tensor.shape[1]},
      Bytes(
          tensor.bytes.begin() + first * row_bytes,
          tensor.bytes.begin() + (first + count) * row_bytes)};
}

}  // namespace hadal::testing
