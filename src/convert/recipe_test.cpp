#include "convert/recipe.h"

#include <gtest/gtest.h>

#include "hadal/error.h"

namespace hadal {
namespace {

std::string refusal(const std::string& json) {
  try {
    parse_recipe(json, "own.json");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::invalid_argument);
    return error.what();
  }
  return "no error";
}

TEST(Recipe, PatternsMatchAsOneReadsThem) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("*", "layers.0.attn.wq_a"));
  EXPECT_TRUE(matches("embed", "embed"));
  EXPECT_FALSE(matches("embed", "embed.weight"));
  EXPECT_TRUE(matches("*.ffn.experts.*", "layers.12.ffn.experts.*.w1"));
  EXPECT_FALSE(matches("*.ffn.experts.*", "layers.12.ffn.shared_experts.w1"));
  EXPECT_TRUE(matches("layers.*.attn.*_b", "layers.3.attn.wo_b"));
  EXPECT_FALSE(matches("*.attn.wkv", "layers.2.attn.compressor.wkv"));
  EXPECT_TRUE(matches("*a*b*c*", "xxaxxbxxbcxx"));
  EXPECT_FALSE(matches("", "x"));
}

TEST(Recipe, NamedOnesAreWhatTheyAreCalled) {
  EXPECT_EQ(find_recipe("mlx-4bit").rules.size(), 2U);
  EXPECT_EQ(
      find_recipe("3bit").rules[0].format,
      (TargetFormat{TargetKind::affine, 3, 64}));
  EXPECT_TRUE(find_recipe("lossless").mtp);
  EXPECT_THROW(find_recipe("5bit"), Error);
}

TEST(Recipe, JsonAndBack) {
  for (const Recipe& recipe : named_recipes()) {
    const std::string json = recipe_json(recipe);
    EXPECT_EQ(recipe_json(parse_recipe(json, "test")), json);
  }
}

TEST(Recipe, JsonIsReadStrictly) {
  const auto rule = [](const std::string& text) {
    return R"({"recipe": "x", "rules": [)" + text + "]}";
  };
  EXPECT_NE(refusal("[]").find("own.json"), std::string::npos);
  EXPECT_NE(refusal(R"({"recipe": "x"})").find("rules"), std::string::npos);
  EXPECT_NE(
      refusal(R"({"recipe": "x", "rules": []})").find("rules"),
      std::string::npos);
  EXPECT_NE(
      refusal(rule(R"({"match": "*", "format": "affine", "bits": 1})"))
          .find("rules[0].bits: found 1"),
      std::string::npos);
  EXPECT_NE(
      refusal(rule(
                  R"({"match": "*", "format": "bf16"},
                      {"match": "*", "format": "q4_k"})"))
          .find("rules[1].format"),
      std::string::npos);
  EXPECT_NE(
      refusal(R"({"recipe": "x", "layout": "gguf", "rules": []})")
          .find("layout"),
      std::string::npos);
}

}  // namespace
}  // namespace hadal
