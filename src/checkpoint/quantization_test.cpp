// The quantization block of MLX configurations.
#include "checkpoint/quantization.h"

#include <gtest/gtest.h>

#include "checkpoint/testing/temporary_directory.h"

namespace hadal {
namespace {

using testing::error_of;

constexpr ModuleQuantization kMxfp4{QuantizationMode::mxfp4, 4, 32};
constexpr ModuleQuantization kMxfp8{QuantizationMode::mxfp8, 8, 32};

ModuleQuantization affine(int bits, int group) {
  return {QuantizationMode::affine, bits, group};
}

TEST(Quantization, PublishedFlash4Bit) {
  const std::filesystem::path path =
      std::filesystem::path(HADAL_SOURCE_DIR) /
      "tests/data/configs/mlx-community-flash-4bit.json";
  const auto plan = parse_quantization(testing::read_text(path), "c");
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->by_default, affine(4, 64));
  EXPECT_EQ(plan->modules.size(), 129U + 512U);
  EXPECT_EQ(
      plan->modules.at("model.layers.42.ffn.switch_mlp.down_proj"), kMxfp4);
  EXPECT_EQ(plan->modules.at("lm_head"), affine(4, 64));
}

TEST(Quantization, ReadsDefaultsAndExceptions) {
  const auto plan = parse_quantization(
      R"({"quantization":{"group_size":32,"bits":6,
          "a":{"mode":"mxfp8"},"b":false,"c":{"bits":3,"group_size":128},
          "d":true}})",
      "c");
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->by_default, affine(6, 32));
  EXPECT_EQ(plan->modules.at("a"), kMxfp8);
  EXPECT_EQ(plan->modules.at("b"), std::nullopt);
  EXPECT_EQ(plan->modules.at("c"), affine(3, 128));
  EXPECT_FALSE(plan->modules.contains("d"));
}

TEST(Quantization, TheReleaseHasNoPlan) {
  for (const char* name : {"flash", "pro", "flash.transformers"})
    EXPECT_FALSE(parse_quantization(
        testing::read_text(
            std::filesystem::path(HADAL_SOURCE_DIR) / "tests/data/configs" /
            (std::string(name) + ".json")),
        "c"))
        << name;
  EXPECT_FALSE(parse_quantization("{}", "c"));
}

TEST(Quantization, TheOtherKeyIsReadToo) {
  const auto plan = parse_quantization(
      R"({"quantization_config":{"group_size":64,"bits":8}})", "c");
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->by_default, affine(8, 64));
}

TEST(Quantization, RefusesWhatNoKernelReads) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"bits":7,"group_size":64})", "found 7 bits in groups of 64"},
      {R"({"bits":4,"group_size":16})", "found 4 bits in groups of 16"},
      {R"({"mode":"mxfp4","bits":8})", "for mode mxfp4"},
      {R"({"mode":"mxfp8","group_size":64})", "for mode mxfp8"},
      {R"({"mode":"nvfp4"})", R"(found "nvfp4")"},
      {R"({"a":{"bits":1}})", "quantization.a.bits: found 1 bits"}};
  for (const auto& [block, reason] : cases) {
    const std::string message = error_of([&, text = block] {
      parse_quantization(
          R"({"quantization":)" + std::string(text) + "}", "config.json");
    });
    EXPECT_TRUE(message.starts_with("unsupported: config.json: quantization"))
        << message;
    EXPECT_NE(message.find(reason), std::string::npos) << message;
  }
  EXPECT_TRUE(error_of([] {
                parse_quantization(R"({"quantization":4})", "c");
              }).starts_with("corrupt: c: quantization: found 4"));
  EXPECT_TRUE(error_of([] {
                parse_quantization(R"({"quantization":{"bits":"4"}})", "c");
              }).starts_with("corrupt: c: quantization.bits: found \"4\""));
}

}  // namespace
}  // namespace hadal
