#include "convert/importance.h"

#include <gtest/gtest.h>

#include <cmath>

#include "checkpoint/safetensors_writer.h"
#include "checkpoint/testing/temporary_directory.h"
#include "convert/channel_weights.h"
#include "hadal/error.h"
#include "kernels/codecs/decode_row.h"

namespace hadal {
namespace {

using enum TensorId;
using testing::error_of;
using testing::TemporaryDirectory;

const LoadedModel& tiny() {
  static const LoadedModel model = load_checkpoint(
      std::filesystem::path(HADAL_SOURCE_DIR) / "tests/data/oracle/tiny");
  return model;
}

const std::vector<SourceTensor>& tensors() {
  static const std::vector<SourceTensor> all = source_tensors(tiny());
  return all;
}

const SourceTensor& find(TensorId id, int64_t layer) {
  for (const SourceTensor& tensor : tensors())
    if (tensor.id == id && tensor.block.number == layer &&
        tensor.block.scope == TensorScope::layer)
      return tensor;
  throw std::runtime_error("no such tensor");
}

// Independent channels of mean square one.
InputMoments white(int64_t cols) {
  InputMoments out{
      cols, cols, std::vector<float>(static_cast<size_t>(cols * cols))};
  for (int64_t i = 0; i < cols; ++i)
    out.values[static_cast<size_t>(i * cols + i)] = 1;
  return out;
}

TEST(Importance, FilesComeBackAsTheyWere) {
  const TemporaryDirectory directory;
  Importance importance;
  const int64_t hidden = find(wq_a, 0).shape.cols;
  importance.set(
      "layers.0.attn.wq_a", std::vector<float>(static_cast<size_t>(hidden), 2));
  importance.set("layers.0.ffn.experts.use", {0.25F, 0.75F});
  importance.set_moments("layers.0.attn.wq_a", white(hidden));
  importance.save(directory / "i.safetensors");
  const Importance read(directory / "i.safetensors");
  EXPECT_EQ(read.hash(), importance.hash());
  EXPECT_EQ(read.channels(find(wq_a, 0), 0)[1], 2);
  EXPECT_EQ(read.channels(find(wkv, 0), 0), nullptr);
  EXPECT_EQ(read.use({TensorScope::layer, 0}, 1), 0.75F);
  EXPECT_EQ(read.use({TensorScope::layer, 0}, 2), 0);
  // wkv reads the same vectors as wq_a; what attention gives is another thing.
  EXPECT_EQ(read.moments(find(wkv, 0), 0), read.moments(find(wq_a, 0), 0));
  EXPECT_EQ(read.moments(find(wo_b, 0), 0), nullptr);
  EXPECT_EQ(read.moments(find(wq_a, 1), 0), nullptr);
  read.require_fit(tensors());

  Importance other = importance;
  EXPECT_TRUE(other.finite());
  other.set("layers.1.attn.wq_a", {NAN});
  EXPECT_FALSE(other.finite());
  other = importance;
  other.set_moments("layers.0.attn.wq_a", InputMoments{32, 32, {INFINITY}});
  EXPECT_FALSE(other.finite());
  EXPECT_NE(other.hash(), importance.hash());
  EXPECT_NE(
      error_of([&] { other.require_fit(tensors()); }).find("another model"),
      std::string::npos);
}

TEST(Importance, WhatIsNoImportanceIsRefused) {
  const TemporaryDirectory directory;
  const auto refusal = [&](const char* name,
                           const TensorShape& shape,
                           const std::vector<float>& values,
                           const char* format = "hadal-importance-1") {
    SafetensorsWriter writer(
        directory / "i.safetensors",
        {{name, Dtype::f32, shape}},
        {{"format", format}});
    writer.write(std::as_bytes(std::span(values)));
    writer.finish();
    return error_of([&] { Importance(directory / "i.safetensors"); });
  };
  const auto expect = [](const std::string& found, const char* part) {
    EXPECT_TRUE(found.starts_with("corrupt: ")) << found;
    EXPECT_NE(found.find(part), std::string::npos) << found;
  };
  expect(refusal("a", {2}, {1, 2}, "other"), "no importance file");
  expect(refusal("a", {1, 2}, {1, 2}), "1 extent");
  expect(refusal("a", {2}, {1, -2}), "entry 1 is -2");
  expect(refusal("a", {2}, {1, NAN}), "entry 1 is nan");
  expect(refusal("a.moments", {2}, {1, 2}), "2 extents");
  expect(refusal("a.moments", {2, 1}, {1, 2}), "blocks of 1 columns");
  std::vector<float> square(32 * 32, 1);
  square[40] = INFINITY;
  expect(refusal("a.moments", {32, 32}, square), "entry 40");
  EXPECT_EQ(refusal("a", {2}, {1, 2}), "no error");
  EXPECT_NE(
      error_of([&] {
        Importance(directory / "i.safetensors").require_fit(tensors());
      }).find("names no matrix"),
      std::string::npos);
}

std::vector<float> row(const SourceTensor& tensor, int64_t at) {
  std::vector<float> out(static_cast<size_t>(tensor.shape.cols));
  decode_weight_row(tensor.items.front(), at, out.data());
  return out;
}

TEST(ChannelWeights, WithoutMeasurementsTheNormsSpeak) {
  const ChannelWeights weights(tensors(), nullptr);
  ItemMetric metric;
  weights.metric(find(wkv, 1), 0, metric);
  EXPECT_EQ(metric.metric.factors, nullptr);
  const std::vector<float> gains = row(find(attn_norm, 1), 0);
  for (size_t i = 0; i < gains.size(); ++i)
    EXPECT_EQ(metric.metric.weights[i], gains[i] * gains[i]);

  // w2: what w1 and w3 make of normalised vectors.
  weights.metric(find(expert_w2, 1), 0, metric);
  const std::vector<float> before = row(find(ffn_norm, 1), 0);
  double gate = 0;
  double up = 0;
  const std::vector<float> w1 = row(find(expert_w1, 1), 5);
  const std::vector<float> w3 = row(find(expert_w3, 1), 5);
  for (size_t i = 0; i < before.size(); ++i) {
    gate += std::pow(static_cast<double>(w1[i] * before[i]), 2);
    up += std::pow(static_cast<double>(w3[i] * before[i]), 2);
  }
  EXPECT_NEAR(metric.metric.weights[5], gate * up, 1e-4 * gate * up);

  for (const SourceTensor& tensor : tensors())
    if (tensor.id == embed) {
      weights.metric(tensor, 0, metric);
      EXPECT_EQ(metric.metric.weights, nullptr);
    }
}

TEST(ChannelWeights, MeasurementsComeFirst) {
  const int64_t hidden = find(wq_a, 0).shape.cols;
  Importance importance;
  importance.set(
      "layers.1.attn.wq_a", std::vector<float>(static_cast<size_t>(hidden), 3));
  importance.set_moments("layers.0.attn.wq_a", white(hidden));
  const ChannelWeights weights(tensors(), &importance);
  ItemMetric one;
  ItemMetric other;
  weights.metric(find(wq_a, 1), 0, one);
  EXPECT_EQ(one.metric.weights[7], 3);
  weights.metric(find(wq_a, 0), 0, one);
  weights.metric(find(wkv, 0), 0, other);
  EXPECT_EQ(one.factors, other.factors);  // made once
  EXPECT_NEAR(one.metric.weights[7], 1.01, 1e-6);
  EXPECT_EQ(one.metric.factors[7 * one.metric.block + 7], 1);

  InputMoments impossible = white(hidden);
  impossible.values[1] = 5;
  impossible.values[static_cast<size_t>(hidden)] = 5;
  importance.set_moments("layers.0.attn.wq_a", impossible);
  const ChannelWeights refusing(tensors(), &importance);
  EXPECT_THROW(refusing.metric(find(wq_a, 0), 0, one), Error);
  EXPECT_THROW(refusing.metric(find(wq_a, 0), 0, one), Error);
}

}  // namespace
}  // namespace hadal
