#include "bench/kernel_recorder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "bench/bench_model.h"
#include "kernels/synthetic_weight.h"

namespace hadal {
namespace {

// Every weight that one token needs, by hand: all but the experts that were not
// chosen, and one row of the embedding instead of all.
double step_bytes(const Network& network) {
  const ModelWeights& weights = network.weights;
  double bytes = static_cast<double>(
      stored_bytes(weights.head) + stored_bytes(weights.hc_head.fn));
  for (const LayerWeights& layer : weights.layers) {
    const AttentionWeights& attention = layer.attention;
    std::vector<const WeightView*> views = {
        &layer.hc_attn.fn,
        &layer.hc_ffn.fn,
        &attention.wq_a,
        &attention.wq_b,
        &attention.wkv,
        &attention.wo_b,
        &attention.compressor.wkv,
        &attention.compressor.wgate,
        &attention.indexer.wq_b,
        &attention.indexer.weights_proj,
        &attention.indexer.compressor.wkv,
        &attention.indexer.compressor.wgate,
        &layer.moe.gate,
        &layer.moe.shared_gate,
        &layer.moe.shared_up,
        &layer.moe.shared_down};
    for (const WeightView& group : attention.wo_a)
      views.push_back(&group);
    for (int64_t i = 0; i < network.config.num_experts_per_tok; ++i)
      for (const auto* stack :
           {&layer.moe.expert_gate,
            &layer.moe.expert_up,
            &layer.moe.expert_down})
        views.push_back(&stack->front());
    for (const WeightView* view : views)
      if (!view->empty())
        bytes += static_cast<double>(stored_bytes(*view));
  }
  return bytes;
}

double weight_bytes(const std::vector<KernelUse>& uses) {
  double bytes = 0;
  for (const KernelUse& use : uses)
    bytes += use.weight_bytes;
  return bytes;
}

TEST(KernelRecorder, CountsTheWeightsOfAStep) {
  for (const char* spec : {"tiny", "tiny:format=affine4", "tiny:layers=2"}) {
    SCOPED_TRACE(spec);
    const BenchNetwork network =
        make_bench_network(parse_synthetic_spec(spec).value(), 1);
    BenchModel model(network, 1);
    std::vector<SequenceCache> sequences;
    sequences.push_back(model.filled(600));
    model.recorder().start();
    model.step(sequences);
    model.recorder().stop();
    EXPECT_DOUBLE_EQ(
        weight_bytes(model.recorder().uses()), step_bytes(*network.network));
  }
}

TEST(KernelRecorder, CountsCachedRows) {
  const BenchNetwork network =
      make_bench_network(parse_synthetic_spec("tiny").value(), 1);
  BenchModel model(network, 1);
  std::vector<SequenceCache> sequences;
  sequences.push_back(model.filled(4095));
  model.recorder().start();
  model.step(sequences);
  model.recorder().stop();
  const CacheLayout& layout = *network.layout;
  const auto window = static_cast<double>(layout.window_row.row_bytes());
  double attention = 0;
  double indexer = 0;
  for (const LayerLayout& layer : layout.layers) {
    attention += 128 * window;
    // All of 32 rows in the ratio-128 layer, the best 64 of 1,024 in the
    // others.
    if (layer.main)
      attention += static_cast<double>(
          (layer.indexer ? 64 : 32) * layer.main->row.row_bytes());
    if (layer.indexer)
      indexer += static_cast<double>(1024 * layer.indexer->row.row_bytes());
  }
  double found_attention = 0;
  double found_indexer = 0;
  for (const KernelUse& use : model.recorder().uses()) {
    if (use.name.starts_with("attention"))
      found_attention += use.cache_bytes;
    if (use.name == "indexer")
      found_indexer += use.cache_bytes;
  }
  EXPECT_DOUBLE_EQ(found_attention, attention);
  EXPECT_DOUBLE_EQ(found_indexer, indexer);
}

TEST(KernelRecorder, RecordsBetweenStartAndStop) {
  const BenchNetwork network =
      make_bench_network(parse_synthetic_spec("tiny:layers=2").value(), 1);
  BenchModel model(network, 1);
  model.prefill(5);
  EXPECT_TRUE(model.recorder().uses().empty());
  model.recorder().start();
  model.prefill(5);
  model.recorder().stop();
  const std::vector<KernelUse> uses = model.recorder().uses();
  ASSERT_FALSE(uses.empty());
  EXPECT_TRUE(std::is_sorted(
      uses.begin(), uses.end(), [](const KernelUse& a, const KernelUse& b) {
        return a.seconds > b.seconds;
      }));
  model.prefill(5);
  EXPECT_EQ(model.recorder().uses().front().calls, uses.front().calls);
}

TEST(KernelRecorder, IdealTimeIsThatOfEveryPeak) {
  Ceilings ceilings;
  ceilings.peaks[static_cast<int>(Arithmetic::fp32_fma)] = 100;
  ceilings.peaks[static_cast<int>(Arithmetic::int8_dot)] = 400;
  double operations[kArithmeticCount] = {};
  operations[static_cast<int>(Arithmetic::fp32_fma)] = 50;
  operations[static_cast<int>(Arithmetic::int8_dot)] = 200;
  // No bfloat16 instruction: its sums run as float32.
  operations[static_cast<int>(Arithmetic::bf16_dot)] = 25;
  EXPECT_DOUBLE_EQ(ideal_seconds(operations, ceilings), 0.5 + 0.5 + 0.25);
}

}  // namespace
}  // namespace hadal
