#include "bench/synthetic_spec.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "checkpoint/model_config.h"

namespace hadal {
namespace {

const std::string kConfigs =
    std::string(HADAL_SOURCE_DIR) + "/tests/data/configs";

SyntheticSpec parsed(std::string_view text) {
  return parse_synthetic_spec(text).value();
}

std::string problem_of(std::string_view text) {
  const Result<SyntheticSpec> result = parse_synthetic_spec(text);
  return result ? "" : result.error().message;
}

TEST(SyntheticSpec, CutsLayersAndExperts) {
  const SyntheticSpec spec = parsed("flash:layers=4,experts=32");
  EXPECT_EQ(spec.config.num_hidden_layers, 4);
  EXPECT_EQ(spec.config.n_routed_experts, 32);
  EXPECT_EQ(spec.config.num_experts_per_tok, 6);
  EXPECT_EQ(
      spec.config.layer_kinds,
      (std::vector{
          LayerKind::window,
          LayerKind::window,
          LayerKind::sparse,
          LayerKind::compressed}));
  EXPECT_EQ(spec.format, "release");
  EXPECT_EQ(spec.recipe.experts.format, WeightFormat::mxfp4);
  EXPECT_EQ(spec.recipe.dense.format, WeightFormat::fp8_block);
  EXPECT_EQ(parsed("flash:layers=2").config.num_hash_layers, 2);
}

TEST(SyntheticSpec, KnowsFormats) {
  const SyntheticSpec mlx = parsed("pro:format=mlx-4bit,layers=3");
  EXPECT_EQ(mlx.recipe.experts.format, WeightFormat::mxfp4);
  EXPECT_EQ(mlx.recipe.dense.format, WeightFormat::affine);
  EXPECT_EQ(mlx.recipe.dense.bits, 4);
  EXPECT_EQ(mlx.recipe.dense.group, 64);
  for (const int bits : {2, 3, 4, 5, 6, 8})
    EXPECT_EQ(
        parsed("tiny:format=affine" + std::to_string(bits)).recipe.experts.bits,
        bits);
  for (const char* name : {"mlx-8bit", "mxfp4", "mxfp8", "bf16"})
    EXPECT_EQ(parsed(std::string("tiny:format=") + name).format, name);
}

// The shapes are those of the public models.
void expect_same_shapes(const ModelConfig& a, const ModelConfig& b) {
  EXPECT_EQ(a.hidden_size, b.hidden_size);
  EXPECT_EQ(a.num_hidden_layers, b.num_hidden_layers);
  EXPECT_EQ(a.num_attention_heads, b.num_attention_heads);
  EXPECT_EQ(a.head_dim, b.head_dim);
  EXPECT_EQ(a.qk_rope_head_dim, b.qk_rope_head_dim);
  EXPECT_EQ(a.q_lora_rank, b.q_lora_rank);
  EXPECT_EQ(a.o_groups, b.o_groups);
  EXPECT_EQ(a.o_lora_rank, b.o_lora_rank);
  EXPECT_EQ(a.sliding_window, b.sliding_window);
  EXPECT_EQ(a.index_n_heads, b.index_n_heads);
  EXPECT_EQ(a.index_head_dim, b.index_head_dim);
  EXPECT_EQ(a.index_topk, b.index_topk);
  EXPECT_EQ(a.n_routed_experts, b.n_routed_experts);
  EXPECT_EQ(a.num_experts_per_tok, b.num_experts_per_tok);
  EXPECT_EQ(a.n_shared_experts, b.n_shared_experts);
  EXPECT_EQ(a.moe_intermediate_size, b.moe_intermediate_size);
  EXPECT_EQ(a.num_hash_layers, b.num_hash_layers);
  EXPECT_EQ(a.hc_mult, b.hc_mult);
  EXPECT_EQ(a.hc_sinkhorn_iters, b.hc_sinkhorn_iters);
  EXPECT_EQ(a.vocab_size, b.vocab_size);
  EXPECT_EQ(a.max_position_embeddings, b.max_position_embeddings);
  EXPECT_EQ(a.hc_eps, b.hc_eps);
  EXPECT_EQ(a.rms_norm_eps, b.rms_norm_eps);
  EXPECT_EQ(a.routed_scaling_factor, b.routed_scaling_factor);
  EXPECT_EQ(a.swiglu_limit, b.swiglu_limit);
  EXPECT_EQ(a.rope_theta, b.rope_theta);
  EXPECT_EQ(a.compress_rope_theta, b.compress_rope_theta);
  EXPECT_EQ(a.rope_factor, b.rope_factor);
  EXPECT_EQ(
      a.original_max_position_embeddings, b.original_max_position_embeddings);
  EXPECT_EQ(a.beta_fast, b.beta_fast);
  EXPECT_EQ(a.beta_slow, b.beta_slow);
  const auto trunk = static_cast<size_t>(a.num_hidden_layers);
  for (size_t i = 0; i < trunk; ++i)
    EXPECT_EQ(a.layer_kinds.at(i), b.layer_kinds.at(i)) << "layer " << i;
}

TEST(SyntheticSpec, ShapesAreThoseOfTheModels) {
  for (const std::string family : {"flash", "pro"}) {
    SCOPED_TRACE(family);
    std::ifstream file(kConfigs + "/" + family + ".json");
    std::stringstream text;
    text << file.rdbuf();
    expect_same_shapes(
        parsed(family).config, parse_model_config(text.str(), family));
  }
}

TEST(SyntheticSpec, SaysWhatIsWrong) {
  EXPECT_NE(
      problem_of("").find("found \"\", expected flash"), std::string::npos);
  EXPECT_NE(problem_of("huge").find("found \"huge\""), std::string::npos);
  EXPECT_NE(
      problem_of("flash:layers=0").find("found \"0\", expected 1 to 43"),
      std::string::npos);
  EXPECT_NE(problem_of("flash:layers=44").find("1 to 43"), std::string::npos);
  EXPECT_NE(problem_of("flash:layers=4x").find("\"4x\""), std::string::npos);
  EXPECT_NE(problem_of("flash:experts=5").find("6 to 256"), std::string::npos);
  EXPECT_NE(
      problem_of("flash:format=q4").find("expected one of release"),
      std::string::npos);
  EXPECT_NE(problem_of("flash:").find("expected layers=N"), std::string::npos);
  EXPECT_NE(
      problem_of("flash:layers=2,").find("expected layers=N"),
      std::string::npos);
  EXPECT_NE(
      problem_of("flash:layers=2,layers=3").find("twice"), std::string::npos);
  EXPECT_NE(
      problem_of("flash:layers=99999999999999999999").find("1 to 43"),
      std::string::npos);
}

}  // namespace
}  // namespace hadal
