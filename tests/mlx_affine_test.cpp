// Plain affine codes, scales and biases against MLX's own, and its numbers
// against our decoding: tests/data/mlx, recorded by tools/mlx.
#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "kernels/codecs/affine_encode.h"
#include "kernels/codecs/dequantize.h"

namespace hadal {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(const StoredTensor& tensor) {
  return {tensor.data, tensor.data + tensor.bytes};
}

struct Type {
  const char* name;
  WeightFormat values;
  ScaleFormat scales;
};
constexpr Type kTypes[] = {
    {"f32", WeightFormat::f32, ScaleFormat::f32},
    {"bf16", WeightFormat::bf16, ScaleFormat::bf16},
    {"f16", WeightFormat::f16, ScaleFormat::f16}};

std::vector<float> widened(const StoredTensor& tensor, const Type& type) {
  WeightView view;
  view.format = type.values;
  view.rows = tensor.shape[0];
  view.cols = tensor.shape[1];
  view.row_bytes = static_cast<int64_t>(tensor.bytes) / view.rows;
  view.data = tensor.data;
  std::vector<float> out(static_cast<size_t>(view.rows * view.cols));
  widen(view, out.data());
  return out;
}

class MlxAffine : public ::testing::Test {
 protected:
  SafetensorsFile file_{
      std::string(HADAL_SOURCE_DIR) + "/tests/data/mlx/affine.safetensors"};

  template <class Body>
  void for_each_format(const Body& body) {
    for (const int bits : {2, 3, 4, 5, 6, 8})
      for (const int group : {32, 64, 128})
        body(bits, group);
  }
};

TEST_F(MlxAffine, PlainGivesTheSameCodesScalesAndBiases) {
  for (const Type& type : kTypes) {
    const StoredTensor& stored = file_.at(std::string(type.name) + ".w");
    const int64_t rows = stored.shape[0];
    const int64_t cols = stored.shape[1];
    const std::vector<float> values = widened(stored, type);
    for_each_format([&](int bits, int group) {
      const std::string key = std::string(type.name) + "." +
                              std::to_string(bits) + "." +
                              std::to_string(group);
      const Bytes codes = bytes_of(file_.at(key + ".codes"));
      const Bytes scales = bytes_of(file_.at(key + ".scales"));
      const Bytes biases = bytes_of(file_.at(key + ".biases"));
      Bytes our_codes(codes.size());
      Bytes our_scales(scales.size());
      Bytes our_biases(biases.size());
      for (int64_t row = 0; row < rows; ++row)
        encode_affine_row(
            {bits, group, type.scales},
            AffineRule::plain,
            values.data() + row * cols,
            {},
            cols,
            our_codes.data() + row * static_cast<int64_t>(codes.size()) / rows,
            our_scales.data() +
                row * static_cast<int64_t>(scales.size()) / rows,
            our_biases.data() +
                row * static_cast<int64_t>(biases.size()) / rows);
      EXPECT_EQ(our_scales, scales) << key;
      EXPECT_EQ(our_biases, biases) << key;
      EXPECT_EQ(our_codes, codes) << key;
    });
  }
}

TEST_F(MlxAffine, DecodedNumbersAreThoseOfMlx) {
  for_each_format([&](int bits, int group) {
    const std::string name =
        "." + std::to_string(bits) + "." + std::to_string(group);
    const StoredTensor& codes = file_.at("bf16" + name + ".codes");
    const StoredTensor& expected = file_.at("deq" + name);
    WeightView view;
    view.format = WeightFormat::affine;
    view.scale_format = ScaleFormat::bf16;
    view.bits = static_cast<uint8_t>(bits);
    view.group = static_cast<uint16_t>(group);
    view.rows = expected.shape[0];
    view.cols = expected.shape[1];
    view.row_bytes = view.cols * bits / 8;
    view.scale_stride = view.cols / group * 2;
    view.data = codes.data;
    view.scales = file_.at("bf16" + name + ".scales").data;
    view.biases = file_.at("bf16" + name + ".biases").data;
    Bytes ours(expected.bytes);
    std::vector<float> values(expected.bytes / 4);
    widen(view, values.data());
    std::memcpy(ours.data(), values.data(), ours.size());
    EXPECT_EQ(ours, bytes_of(expected)) << name;
  });
}

}  // namespace
}  // namespace hadal
