// The bundled model in the layouts and spellings of spec 7.3 and 7.4: every
// matrix must have the very numbers of the release file.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>

#include "checkpoint/testing/temporary_directory.h"
#include "kernels/codecs/dequantize.h"
#include "weights/load_checkpoint.h"
#include "weights/testing/relay_checkpoint.h"

namespace hadal {
namespace {

using testing::RelayOptions;
using testing::Spelling;
using testing::Storing;
using testing::TemporaryDirectory;

const std::filesystem::path kNano =
    std::filesystem::path(HADAL_SOURCE_DIR) / "models/nano";

const LoadedModel& nano() {
  static const LoadedModel loaded = load_checkpoint(kNano);
  return loaded;
}

std::vector<float> values(const WeightView& view) {
  std::vector<float> out(static_cast<size_t>(view.rows * view.cols));
  widen(view, out.data());
  return out;
}

// Compares all weights of two models, matrix by matrix.
class Comparison {
 public:
  // `tolerance`: of a matrix's largest magnitude, by storage class.
  float experts_tolerance = 0;
  float dense_tolerance = 0;
  float rest_tolerance = 0;
  float ape_tolerance = 0;

  void model(const ModelWeights& a, const ModelWeights& b) {
    matrix(a.embed, b.embed, rest_tolerance, "embed");
    matrix(a.head, b.head, rest_tolerance, "head");
    matrix(a.norm, b.norm, 0, "norm");
    hyper_connection(a.hc_head, b.hc_head, 4, 1, "hc_head");
    ASSERT_EQ(a.layers.size(), b.layers.size());
    for (size_t i = 0; i < a.layers.size(); ++i)
      layer(a.layers[i], b.layers[i], "layer " + std::to_string(i) + " ");
  }

 private:
  void matrix(
      const WeightView& a,
      const WeightView& b,
      float tolerance,
      const std::string& name) {
    ASSERT_EQ(a.rows, b.rows) << name;
    ASSERT_EQ(a.cols, b.cols) << name;
    if (a.empty() || b.empty()) {
      EXPECT_EQ(a.empty(), b.empty()) << name;
      return;
    }
    const std::vector<float> x = values(a);
    const std::vector<float> y = values(b);
    float largest = 0;
    float error = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      largest = std::max(largest, std::abs(x[i]));
      error = std::max(error, std::abs(x[i] - y[i]));
    }
    EXPECT_LE(error, tolerance * largest) << name;
  }
  void hyper_connection(
      const HyperConnectionWeights& a,
      const HyperConnectionWeights& b,
      size_t rows,
      size_t scales,
      const std::string& name) {
    matrix(a.fn, b.fn, 0, name);
    EXPECT_EQ(std::memcmp(a.base, b.base, rows * 4), 0) << name;
    EXPECT_EQ(std::memcmp(a.scale, b.scale, scales * 4), 0) << name;
  }
  void compressor(
      const CompressorWeights& a,
      const CompressorWeights& b,
      const std::string& name) {
    matrix(a.wkv, b.wkv, rest_tolerance, name + "wkv");
    matrix(a.wgate, b.wgate, rest_tolerance, name + "wgate");
    matrix(a.ape, b.ape, ape_tolerance, name + "ape");
    matrix(a.norm, b.norm, 0, name + "norm");
  }
  void attention(
      const AttentionWeights& a,
      const AttentionWeights& b,
      const std::string& name) {
    matrix(a.wq_a, b.wq_a, dense_tolerance, name + "wq_a");
    matrix(a.q_norm, b.q_norm, 0, name + "q_norm");
    matrix(a.wq_b, b.wq_b, dense_tolerance, name + "wq_b");
    matrix(a.wkv, b.wkv, dense_tolerance, name + "wkv");
    matrix(a.kv_norm, b.kv_norm, 0, name + "kv_norm");
    ASSERT_EQ(a.wo_a.size(), b.wo_a.size());
    for (size_t g = 0; g < a.wo_a.size(); ++g)
      matrix(a.wo_a[g], b.wo_a[g], dense_tolerance, name + "wo_a");
    matrix(a.wo_b, b.wo_b, dense_tolerance, name + "wo_b");
    matrix(a.attn_sink, b.attn_sink, 0, name + "attn_sink");
    compressor(a.compressor, b.compressor, name + "compressor ");
    matrix(a.indexer.wq_b, b.indexer.wq_b, dense_tolerance, name + "indexer");
    matrix(
        a.indexer.weights_proj,
        b.indexer.weights_proj,
        rest_tolerance,
        name + "weights_proj");
    compressor(a.indexer.compressor, b.indexer.compressor, name + "indexer ");
  }
  void moe(const MoeWeights& a, const MoeWeights& b, const std::string& name) {
    matrix(a.gate, b.gate, 0, name + "gate");
    matrix(a.gate_bias, b.gate_bias, 0, name + "gate_bias");
    ASSERT_EQ(a.tid2eid == nullptr, b.tid2eid == nullptr);
    const int64_t entries = a.tid2eid == nullptr ? 0 : 4224 * 4;
    for (int64_t i = 0; i < entries; ++i)
      ASSERT_EQ(table_entry(a, i), table_entry(b, i)) << name;
    for (size_t e = 0; e < a.expert_gate.size(); ++e) {
      matrix(
          a.expert_gate[e], b.expert_gate[e], experts_tolerance, name + "w1");
      matrix(a.expert_up[e], b.expert_up[e], experts_tolerance, name + "w3");
      matrix(
          a.expert_down[e], b.expert_down[e], experts_tolerance, name + "w2");
    }
    matrix(a.shared_gate, b.shared_gate, dense_tolerance, name + "shared w1");
    matrix(a.shared_up, b.shared_up, dense_tolerance, name + "shared w3");
    matrix(a.shared_down, b.shared_down, dense_tolerance, name + "shared w2");
  }
  static int64_t table_entry(const MoeWeights& moe, int64_t i) {
    if (moe.tid2eid_is_64_bit) {
      int64_t id = 0;
      std::memcpy(&id, moe.tid2eid + 8 * i, sizeof id);
      return id;
    }
    int32_t id = 0;
    std::memcpy(&id, moe.tid2eid + 4 * i, sizeof id);
    return id;
  }
  void layer(
      const LayerWeights& a, const LayerWeights& b, const std::string& name) {
    matrix(a.attn_norm, b.attn_norm, 0, name + "attn_norm");
    matrix(a.ffn_norm, b.ffn_norm, 0, name + "ffn_norm");
    hyper_connection(a.hc_attn, b.hc_attn, 24, 3, name + "hc_attn");
    hyper_connection(a.hc_ffn, b.hc_ffn, 24, 3, name + "hc_ffn");
    attention(a.attention, b.attention, name);
    ASSERT_EQ(a.moe.expert_gate.size(), b.moe.expert_gate.size());
    ASSERT_EQ(a.moe.expert_up.size(), b.moe.expert_up.size());
    ASSERT_EQ(a.moe.expert_down.size(), b.moe.expert_down.size());
    moe(a.moe, b.moe, name);
  }
};

LoadedModel relayed(
    const TemporaryDirectory& directory, const RelayOptions& options) {
  testing::relay_checkpoint(kNano, directory.path(), options);
  return load_checkpoint(directory.path());
}

void expect_equal(const LoadedModel& model) {
  Comparison().model(nano().weights, model.weights);
  EXPECT_TRUE(model.weights.mtp.empty());
  EXPECT_EQ(model.report.copied_bytes, 0U);
}

TEST(RelayedLayouts, EverySpellingOfMlx) {
  const std::pair<Spelling, bool> spellings_and_paths[] = {
      {Spelling::mlx, false},
      {Spelling::mlx, true},
      {Spelling::mlx_vlm, false},
      {Spelling::mlx_pr1189, true},
      {Spelling::mlx_thump604, false}};
  for (const auto& [spelling, release_paths] : spellings_and_paths) {
    const TemporaryDirectory directory;
    const LoadedModel model = relayed(
        directory,
        {.spelling = spelling, .plan_in_release_names = release_paths});
    SCOPED_TRACE(static_cast<int>(spelling));
    expect_equal(model);
    EXPECT_EQ(model.report.layout, CheckpointLayout::mlx);
    const LayerWeights& layer = model.weights.layers[4];
    EXPECT_EQ(layer.moe.expert_up[3].format, WeightFormat::mxfp4);
    EXPECT_EQ(layer.attention.wo_a[1].format, WeightFormat::mxfp8);
    EXPECT_EQ(layer.attention.wq_b.format, WeightFormat::mxfp8);
    EXPECT_EQ(model.weights.embed.format, WeightFormat::bf16);
    EXPECT_FALSE(model.weights.layers[0].moe.tid2eid_is_64_bit);
  }
}

TEST(RelayedLayouts, MlxInBf16) {
  const TemporaryDirectory directory;
  const LoadedModel model =
      relayed(directory, {.experts = Storing::bf16, .dense = Storing::bf16});
  expect_equal(model);
  EXPECT_EQ(
      model.weights.layers[0].moe.expert_gate[0].format, WeightFormat::bf16);
}

// FP4 values are exact multiples of half their scale.
TEST(RelayedLayouts, AffineExpertsWithEnoughBitsAreExact) {
  for (int bits : {5, 6, 8}) {
    const TemporaryDirectory directory;
    const LoadedModel model = relayed(
        directory,
        {.experts = Storing::affine, .affine_bits = bits, .affine_group = 32});
    SCOPED_TRACE(bits);
    expect_equal(model);
    const WeightView& expert = model.weights.layers[6].moe.expert_down[15];
    EXPECT_EQ(expert.format, WeightFormat::affine);
    EXPECT_EQ(expert.bits, bits);
    EXPECT_EQ(expert.group, 32);
  }
}

// Every number of bits and every group, everywhere: each value within half a
// step of its group (and the rounding of scale and bias to bf16).
TEST(RelayedLayouts, AffineEverywhereIsWithinItsStep) {
  const std::pair<int, int> bits_and_groups[] = {
      {2, 32}, {3, 64}, {4, 128}, {5, 64}, {6, 32}, {8, 128}};
  for (const auto& [bits, group] : bits_and_groups) {
    const TemporaryDirectory directory;
    const LoadedModel model = relayed(
        directory,
        {.experts = Storing::affine,
         .dense = Storing::affine,
         .rest = Storing::affine,
         .affine_bits = bits,
         .affine_group = group,
         .bf16_ape = true});
    SCOPED_TRACE(
        std::to_string(bits) + " bits, group " + std::to_string(group));
    Comparison comparison;
    const float step = 2.0F / static_cast<float>((1 << bits) - 1);
    const float tolerance = 0.5F * step + 3.0F / 256;
    comparison.experts_tolerance = tolerance;
    comparison.dense_tolerance = tolerance;
    comparison.rest_tolerance = tolerance;
    comparison.ape_tolerance = 1.0F / 256;
    comparison.model(nano().weights, model.weights);
    EXPECT_EQ(model.weights.head.format, WeightFormat::affine);
    EXPECT_EQ(
        model.weights.layers[3].attention.compressor.ape.format,
        WeightFormat::bf16);
  }
}

TEST(RelayedLayouts, Transformers) {
  for (Storing experts : {Storing::same, Storing::bf16})
    for (Storing dense : {Storing::same, Storing::bf16}) {
      const TemporaryDirectory directory;
      const LoadedModel model = relayed(
          directory,
          {.spelling = Spelling::transformers,
           .experts = experts,
           .dense = dense});
      expect_equal(model);
      EXPECT_EQ(model.report.layout, CheckpointLayout::transformers);
      const LayerWeights& layer = model.weights.layers[2];
      EXPECT_EQ(
          layer.moe.expert_up[5].format,
          experts == Storing::same ? WeightFormat::mxfp4 : WeightFormat::bf16);
      EXPECT_EQ(
          layer.attention.wo_a[1].format,
          dense == Storing::same ? WeightFormat::fp8_block
                                 : WeightFormat::bf16);
    }
}

}  // namespace
}  // namespace hadal
