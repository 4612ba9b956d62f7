// Names in all spellings -> places, and back.
#include "weights/tensor_registry.h"

#include <gtest/gtest.h>

#include <set>

namespace hadal {
namespace {

struct NameCase {
  const char* name;
  TensorId id;
  BlockIndex block;
  int64_t index = -1;
  TensorPart part = TensorPart::weight;
};

constexpr BlockIndex kModel{};
constexpr BlockIndex kLayer3{TensorScope::layer, 3};
constexpr BlockIndex kMtp{TensorScope::mtp, 0};

TEST(TensorRegistry, ReadsEverySpellingOfTheSpecification) {
  const NameCase cases[] = {
      {"embed.weight", TensorId::embed, kModel},
      {"model.embed.weight", TensorId::embed, kModel},
      {"model.embed_tokens.weight", TensorId::embed, kModel},
      {"language_model.model.embed_tokens.weight", TensorId::embed, kModel},
      {"model.embed_tokens.scales",
       TensorId::embed,
       kModel,
       -1,
       TensorPart::scales},
      {"lm_head.weight", TensorId::head, kModel},
      {"language_model.lm_head.biases",
       TensorId::head,
       kModel,
       -1,
       TensorPart::biases},
      {"model.norm.weight", TensorId::norm, kModel},
      {"hc_head_fn", TensorId::hc_head_fn, kModel},
      {"model.hc_head.hc_scale", TensorId::hc_head_scale, kModel},
      {"model.hc_head.scale", TensorId::hc_head_scale, kModel},
      {"layers.3.hc_attn_scale", TensorId::hc_attn_scale, kLayer3},
      {"model.layers.3.attn_hc.scale", TensorId::hc_attn_scale, kLayer3},
      {"layers.3.hc_attn.scale", TensorId::hc_attn_scale, kLayer3},
      {"layers.3.attn.wq_a.scale",
       TensorId::wq_a,
       kLayer3,
       -1,
       TensorPart::scales},
      {"model.layers.3.self_attn.q_a_proj.weight_scale_inv",
       TensorId::wq_a,
       kLayer3,
       -1,
       TensorPart::scales},
      {"model.layers.3.self_attn.kv_norm.weight", TensorId::kv_norm, kLayer3},
      {"model.layers.3.self_attn.compressor.kv_norm.weight",
       TensorId::compressor_norm,
       kLayer3},
      {"model.layers.3.self_attn.compressor.indexer.weights_proj.weight",
       TensorId::indexer_weights_proj,
       kLayer3},
      {"layers.3.attn.wo_a.7.weight", TensorId::wo_a, kLayer3, 7},
      {"layers.3.ffn.gate.bias", TensorId::gate_bias, kLayer3},
      {"layers.3.ffn.gate.e_score_correction_bias",
       TensorId::gate_bias,
       kLayer3},
      {"layers.3.ffn.experts.12.w1.scale",
       TensorId::expert_w1,
       kLayer3,
       12,
       TensorPart::scales},
      {"model.layers.3.ffn.switch_mlp.down_proj.scales",
       TensorId::expert_w2,
       kLayer3,
       -1,
       TensorPart::scales},
      {"layers.3.ffn.experts.w3.weight", TensorId::expert_w3, kLayer3},
      {"model.layers.3.mlp.experts.gate_up_proj",
       TensorId::expert_w1_w3,
       kLayer3},
      {"model.layers.3.mlp.experts.down_proj_scale_inv",
       TensorId::expert_w2,
       kLayer3,
       -1,
       TensorPart::scales},
      {"mtp.0.norm.weight", TensorId::mtp_norm, kMtp},
      {"mtp.0.attn_norm.weight", TensorId::attn_norm, kMtp},
      {"mtp.0.e_proj.scale",
       TensorId::mtp_e_proj,
       kMtp,
       -1,
       TensorPart::scales},
      {"mtp.0.hc_head_base", TensorId::mtp_hc_head_base, kMtp},
      {"mtp.0.ffn.experts.0.w2.weight", TensorId::expert_w2, kMtp, 0}};
  for (const NameCase& expected : cases) {
    const auto place = parse_tensor_name(expected.name);
    ASSERT_TRUE(place) << expected.name;
    EXPECT_EQ(place->id, expected.id) << expected.name;
    EXPECT_EQ(place->block, expected.block) << expected.name;
    EXPECT_EQ(place->index, expected.index) << expected.name;
    EXPECT_EQ(place->part, expected.part) << expected.name;
  }
}

TEST(TensorRegistry, RefusesEverythingElse) {
  for (const char* name :
       {"",
        "x",
        "weight",
        "embed",
        "embed.bias",
        "hc_head_fn.weight",
        "layers.weight",
        "layers.3",
        "layers.3.",
        "layers..attn.wq_a.weight",
        "layers.03.attn.wq_a.weight",
        "layers.-3.attn.wq_a.weight",
        "layers.1234567.attn.wq_a.weight",
        "layers.3.attn.wq_a",
        "layers.3.attn.wq_a.weight.weight",
        "layers.3.attn.wq_a.0.weight",
        "layers.3.ffn.experts.1.2.w1.weight",
        "layers.3.ffn.experts.x.w1.weight",
        "layers.3.e_proj.weight",
        "mtp.0.main_proj.weight",
        "model.model.norm.weight",
        "blk.0.attn_q.weight"})
    EXPECT_FALSE(parse_tensor_name(name)) << name;
}

TEST(TensorRegistry, SpellingsAreUnique) {
  std::set<std::pair<TensorScope, std::string_view>> seen;
  for (const TensorRule& rule : tensor_rules())
    for (std::string_view name : rule.names)
      if (!name.empty()) {
        EXPECT_TRUE(seen.emplace(rule.scope, name).second) << name;
      }
}

// What release_name writes, parse_tensor_name reads.
TEST(TensorRegistry, ReleaseNamesRoundTrip) {
  for (const TensorRule& rule : tensor_rules()) {
    if (rule.id == TensorId::expert_w1_w3)
      continue;
    const BlockIndex block = rule.scope == TensorScope::model   ? kModel
                             : rule.scope == TensorScope::layer ? kLayer3
                                                                : kMtp;
    const int64_t index = rule.count == TensorCount::per_expert ? 5 : -1;
    std::string name = release_name(rule.id, block, index);
    if (rule.weight_suffix)
      name += ".weight";
    const auto place = parse_tensor_name(name);
    ASSERT_TRUE(place) << name;
    EXPECT_EQ(place->id, rule.id) << name;
    EXPECT_EQ(place->block, block) << name;
    EXPECT_EQ(place->index, index) << name;
  }
  EXPECT_EQ(
      release_name(TensorId::expert_w1, kLayer3), "layers.3.ffn.experts.*.w1");
  EXPECT_EQ(release_name(TensorId::wo_a, kMtp, 1), "mtp.0.attn.wo_a.1");
}

TEST(TensorRegistry, ModulePathsHaveNoSuffix) {
  const auto place = parse_module_path("model.layers.3.ffn.switch_mlp.up_proj");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->id, TensorId::expert_w3);
  EXPECT_EQ(parse_module_path("head")->id, TensorId::head);
  EXPECT_FALSE(parse_module_path("model.layers.3.attn.wq_a.weight"));
  EXPECT_FALSE(parse_module_path("vision.patch"));
}

}  // namespace
}  // namespace hadal
