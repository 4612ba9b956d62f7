// The bundled model from its files to typed weights: every view is compared
// with the bytes and shapes of the tensor that it should lead to.
#include "weights/load_checkpoint.h"

#include <gtest/gtest.h>

#include <cstring>

#include "hadal/error.h"

namespace hadal {
namespace {

const std::filesystem::path kNano =
    std::filesystem::path(HADAL_SOURCE_DIR) / "models/nano";

class NanoWeights : public testing::Test {
 protected:
  static const LoadedModel& nano() {
    static const LoadedModel loaded = load_checkpoint(kNano);
    return loaded;
  }
  static const StoredTensor& stored(const std::string& name) {
    const StoredTensor* tensor = nano().storage->files().find(name);
    EXPECT_NE(tensor, nullptr) << name;
    return *tensor;
  }
  static void expect_fp8(
      const WeightView& view,
      const std::string& name,
      int64_t rows,
      int64_t cols,
      int64_t first_row = 0) {
    const StoredTensor& weight = stored(name + ".weight");
    const StoredTensor& scale = stored(name + ".scale");
    EXPECT_EQ(view.format, WeightFormat::fp8_block) << name;
    EXPECT_EQ(view.scale_format, ScaleFormat::e8m0) << name;
    EXPECT_EQ(view.rows, rows) << name;
    EXPECT_EQ(view.cols, cols) << name;
    EXPECT_EQ(view.row_bytes, cols) << name;
    EXPECT_EQ(view.scale_stride, (cols + 127) / 128) << name;
    EXPECT_EQ(view.data, weight.data + first_row * cols) << name;
    EXPECT_EQ(view.scales, scale.data + first_row / 128 * view.scale_stride)
        << name;
    EXPECT_EQ(view.biases, nullptr) << name;
  }
  static void expect_fp4(
      const WeightView& view,
      const std::string& name,
      int64_t rows,
      int64_t cols) {
    EXPECT_EQ(view.format, WeightFormat::mxfp4) << name;
    EXPECT_EQ(view.scale_format, ScaleFormat::e8m0) << name;
    EXPECT_EQ(view.rows, rows) << name;
    EXPECT_EQ(view.cols, cols) << name;
    EXPECT_EQ(view.row_bytes, cols / 2) << name;
    EXPECT_EQ(view.scale_stride, cols / 32) << name;
    EXPECT_EQ(view.data, stored(name + ".weight").data) << name;
    EXPECT_EQ(view.scales, stored(name + ".scale").data) << name;
  }
  static void expect_plain(
      const WeightView& view,
      const std::string& name,
      WeightFormat format,
      int64_t rows,
      int64_t cols) {
    EXPECT_EQ(view.format, format) << name;
    EXPECT_EQ(view.scale_format, ScaleFormat::none) << name;
    EXPECT_EQ(view.rows, rows) << name;
    EXPECT_EQ(view.cols, cols) << name;
    EXPECT_EQ(view.row_bytes, cols * (format == WeightFormat::f32 ? 4 : 2))
        << name;
    EXPECT_EQ(view.data, stored(name).data) << name;
    EXPECT_EQ(view.scales, nullptr) << name;
  }
  static void expect_vector(
      const float* values, const std::string& name, int64_t count) {
    EXPECT_EQ(stored(name).shape, TensorShape{count}) << name;
    EXPECT_EQ(reinterpret_cast<const std::byte*>(values), stored(name).data)
        << name;
  }
  static void expect_hyper_connection(
      const HyperConnectionWeights& weights,
      const std::string& name,
      int64_t rows,
      int64_t scales) {
    expect_plain(weights.fn, name + "_fn", WeightFormat::f32, rows, 4 * 384);
    expect_vector(weights.base, name + "_base", rows);
    expect_vector(weights.scale, name + "_scale", scales);
  }
  static void expect_compressor(
      const CompressorWeights& weights,
      const std::string& name,
      int64_t ratio,
      int64_t dim) {
    const int64_t channels = dim * (ratio == 4 ? 2 : 1);
    constexpr WeightFormat kBf16 = WeightFormat::bf16;
    expect_plain(weights.wkv, name + ".wkv.weight", kBf16, channels, 384);
    expect_plain(weights.wgate, name + ".wgate.weight", kBf16, channels, 384);
    expect_plain(
        weights.ape, name + ".ape", WeightFormat::f32, ratio, channels);
    expect_plain(weights.norm, name + ".norm.weight", kBf16, 1, dim);
  }
  static void expect_layer(
      const LayerWeights& layer, const std::string& name, LayerKind kind) {
    constexpr WeightFormat kBf16 = WeightFormat::bf16;
    expect_plain(layer.attn_norm, name + "attn_norm.weight", kBf16, 1, 384);
    expect_plain(layer.ffn_norm, name + "ffn_norm.weight", kBf16, 1, 384);
    expect_hyper_connection(layer.hc_attn, name + "hc_attn", 24, 3);
    expect_hyper_connection(layer.hc_ffn, name + "hc_ffn", 24, 3);

    const AttentionWeights& a = layer.attention;
    expect_fp8(a.wq_a, name + "attn.wq_a", 256, 384);
    expect_plain(a.q_norm, name + "attn.q_norm.weight", kBf16, 1, 256);
    expect_fp8(a.wq_b, name + "attn.wq_b", 1024, 256);
    expect_fp8(a.wkv, name + "attn.wkv", 128, 384);
    expect_plain(a.kv_norm, name + "attn.kv_norm.weight", kBf16, 1, 128);
    ASSERT_EQ(a.wo_a.size(), 2U);
    expect_fp8(a.wo_a[0], name + "attn.wo_a", 256, 512, 0);
    expect_fp8(a.wo_a[1], name + "attn.wo_a", 256, 512, 256);
    expect_fp8(a.wo_b, name + "attn.wo_b", 384, 512);
    expect_plain(a.attn_sink, name + "attn.attn_sink", WeightFormat::f32, 1, 8);
    EXPECT_EQ(a.compressor.wkv.empty(), kind == LayerKind::window);
    EXPECT_EQ(a.indexer.wq_b.empty(), kind != LayerKind::sparse);
    if (kind != LayerKind::window)
      expect_compressor(
          a.compressor,
          name + "attn.compressor",
          static_cast<int64_t>(kind),
          128);
    if (kind == LayerKind::sparse) {
      expect_fp8(a.indexer.wq_b, name + "attn.indexer.wq_b", 512, 256);
      expect_plain(
          a.indexer.weights_proj,
          name + "attn.indexer.weights_proj.weight",
          kBf16,
          8,
          384);
      expect_compressor(
          a.indexer.compressor, name + "attn.indexer.compressor", 4, 64);
    }

    const MoeWeights& moe = layer.moe;
    const bool hashed = name == "layers.0." || name == "layers.1.";
    expect_plain(moe.gate, name + "ffn.gate.weight", kBf16, 16, 384);
    EXPECT_EQ(moe.gate_bias.empty(), hashed);
    EXPECT_EQ(moe.tid2eid != nullptr, hashed);
    if (hashed) {
      EXPECT_EQ(moe.tid2eid, stored(name + "ffn.gate.tid2eid").data);
      EXPECT_TRUE(moe.tid2eid_is_64_bit);
    } else {
      expect_plain(
          moe.gate_bias, name + "ffn.gate.bias", WeightFormat::f32, 1, 16);
    }
    ASSERT_EQ(moe.expert_gate.size(), 16U);
    ASSERT_EQ(moe.expert_up.size(), 16U);
    ASSERT_EQ(moe.expert_down.size(), 16U);
    for (size_t e = 0; e < 16; ++e) {
      const std::string expert = name + "ffn.experts." + std::to_string(e);
      expect_fp4(moe.expert_gate[e], expert + ".w1", 128, 384);
      expect_fp4(moe.expert_up[e], expert + ".w3", 128, 384);
      expect_fp4(moe.expert_down[e], expert + ".w2", 384, 128);
    }
    expect_fp8(moe.shared_gate, name + "ffn.shared_experts.w1", 128, 384);
    expect_fp8(moe.shared_up, name + "ffn.shared_experts.w3", 128, 384);
    expect_fp8(moe.shared_down, name + "ffn.shared_experts.w2", 384, 128);
  }
};

TEST_F(NanoWeights, EveryViewLeadsToItsTensor) {
  constexpr WeightFormat kBf16 = WeightFormat::bf16;
  const ModelWeights& weights = nano().weights;
  expect_plain(weights.embed, "embed.weight", kBf16, 4224, 384);
  expect_plain(weights.head, "head.weight", kBf16, 4224, 384);
  expect_plain(weights.norm, "norm.weight", kBf16, 1, 384);
  expect_hyper_connection(weights.hc_head, "hc_head", 4, 1);
  ASSERT_EQ(weights.layers.size(), 7U);
  for (size_t i = 0; i < 7; ++i)
    expect_layer(
        weights.layers[i],
        "layers." + std::to_string(i) + ".",
        nano().config.layer_kinds[i]);

  ASSERT_EQ(weights.mtp.size(), 1U);
  const MtpWeights& mtp = weights.mtp[0];
  expect_layer(mtp.block, "mtp.0.", LayerKind::window);
  expect_fp8(mtp.e_proj, "mtp.0.e_proj", 384, 384);
  expect_fp8(mtp.h_proj, "mtp.0.h_proj", 384, 384);
  expect_plain(mtp.enorm, "mtp.0.enorm.weight", kBf16, 1, 384);
  expect_plain(mtp.hnorm, "mtp.0.hnorm.weight", kBf16, 1, 384);
  expect_plain(mtp.norm, "mtp.0.norm.weight", kBf16, 1, 384);
  expect_hyper_connection(mtp.hc_head, "mtp.0.hc_head", 4, 1);
}

TEST_F(NanoWeights, NothingIsCopied) {
  EXPECT_EQ(nano().report.copied_bytes, 0U);
}

TEST_F(NanoWeights, ReportCountsWhatTheFilesHave) {
  const CheckpointReport& report = nano().report;
  EXPECT_EQ(report.layout, CheckpointLayout::release);
  EXPECT_EQ(report.tensors, 1057);
  EXPECT_EQ(report.shards, 2);
  EXPECT_EQ(report.tensor_bytes, 30'463'490U);
  EXPECT_EQ(report.trunk_tensors + report.mtp_tensors, 1057);
  int64_t tensors = 0;
  uint64_t bytes = 0;
  for (const GroupReport& group : report.groups) {
    tensors += group.tensors;
    bytes += group.bytes;
  }
  EXPECT_EQ(tensors, report.trunk_tensors);
  EXPECT_EQ(bytes, report.trunk_bytes);
  EXPECT_TRUE(report.notes.empty());
}

}  // namespace
}  // namespace hadal
