#include "bench/synthetic_model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>
#include <string>

#include "bench/bench_model.h"
#include "hadal/error.h"
#include "kernels/codecs/dequantize.h"

namespace hadal {
namespace {

SyntheticModel made(std::string_view text, int threads = 1) {
  ThreadTeam team(threads);
  return make_synthetic_model(parse_synthetic_spec(text).value(), team);
}

std::vector<float> row(const WeightView& view, int64_t index) {
  std::vector<float> values(static_cast<size_t>(view.cols));
  dequantize_row(view, index, values.data());
  return values;
}

TEST(SyntheticModel, HasEveryTensorOfEveryLayerKind) {
  const SyntheticModel model = made("tiny");
  ASSERT_EQ(model.weights.layers.size(), 5U);
  EXPECT_TRUE(model.weights.layers[0].attention.compressor.wkv.empty());
  EXPECT_FALSE(model.weights.layers[2].attention.indexer.wq_b.empty());
  EXPECT_FALSE(model.weights.layers[3].attention.compressor.wkv.empty());
  EXPECT_TRUE(model.weights.layers[3].attention.indexer.wq_b.empty());
  EXPECT_EQ(model.weights.layers[4].moe.expert_gate.size(), 16U);
  EXPECT_EQ(model.weights.embed.data, model.weights.head.data);
  EXPECT_TRUE(model.weights.mtp.empty());
  for (const float value : row(model.weights.layers[1].moe.expert_down[3], 5))
    EXPECT_TRUE(std::isfinite(value));
  EXPECT_EQ(model.weights.layers[0].hc_attn.scale[2], 1.0F);
}

TEST(SyntheticModel, TablesNameDifferentExperts) {
  const SyntheticModel model = made("tiny");
  const MoeWeights& moe = model.weights.layers[1].moe;
  ASSERT_NE(moe.tid2eid, nullptr);
  const auto* ids = reinterpret_cast<const int64_t*>(moe.tid2eid);
  for (int64_t token = 0; token < model.config.vocab_size; ++token) {
    const std::set<int64_t> experts(ids + token * 4, ids + token * 4 + 4);
    EXPECT_EQ(experts.size(), 4U);
    EXPECT_GE(*experts.begin(), 0);
    EXPECT_LT(*experts.rbegin(), 16);
  }
}

TEST(SyntheticModel, DoesNotDependOnThreads) {
  const SyntheticModel one = made("tiny:layers=3");
  const SyntheticModel three = made("tiny:layers=3", 3);
  for (const int64_t index : {0, 100, 4223})
    EXPECT_EQ(row(one.weights.head, index), row(three.weights.head, index));
  EXPECT_EQ(
      row(one.weights.layers[2].attention.wo_b, 7),
      row(three.weights.layers[2].attention.wo_b, 7));
}

TEST(SyntheticModel, RefusesWhatDoesNotFit) {
  try {
    made("pro:format=bf16");
    FAIL() << "3 TB were found";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::resource);
    EXPECT_NE(
        std::string(error.what()).find("ask for fewer layers"),
        std::string::npos);
  }
}

// A step of the usual executor over filled caches stays finite in every format.
TEST(SyntheticModel, EveryFormatRuns) {
  for (const char* format :
       {"release",
        "mlx-4bit",
        "mlx-8bit",
        "mxfp4",
        "mxfp8",
        "affine3",
        "bf16"}) {
    SCOPED_TRACE(format);
    const BenchNetwork network = make_bench_network(
        parse_synthetic_spec(std::string("tiny:format=") + format).value(), 1);
    BenchModel model(network, 1);
    std::vector<SequenceCache> sequences;
    sequences.push_back(model.filled(1000));
    sequences.push_back(model.filled(3));
    model.step(sequences);
    EXPECT_EQ(sequences[0].length(), 1001);
    EXPECT_EQ(sequences[1].length(), 4);
    ASSERT_EQ(model.logits().size(), 2U * 4224);
    float largest = 0;
    for (const float logit : model.logits()) {
      ASSERT_TRUE(std::isfinite(logit));
      largest = std::max(largest, std::abs(logit));
    }
    EXPECT_GT(largest, 0.01F);
    EXPECT_LT(largest, 1000);
  }
}

}  // namespace
}  // namespace hadal
