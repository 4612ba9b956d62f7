// config.json: the published files, and each field that must not be guessed.
#include "checkpoint/model_config.h"

#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "checkpoint/testing/temporary_directory.h"

namespace hadal {
namespace {

using Json = nlohmann::json;
using testing::error_of;

const std::filesystem::path kConfigs =
    std::filesystem::path(HADAL_SOURCE_DIR) / "tests/data/configs";

ModelConfig published(const std::string& name) {
  return parse_model_config(
      testing::read_text(kConfigs / (name + ".json")), name);
}

// Flash's official config after a change.
std::string verdict(const std::function<void(Json&)>& change) {
  Json config = Json::parse(testing::read_text(kConfigs / "flash.json"));
  change(config);
  return error_of([&] { parse_model_config(config.dump(), "config.json"); });
}

void expect_refused(
    std::string_view code,
    std::string_view reason,
    const std::function<void(Json&)>& change) {
  const std::string message = verdict(change);
  EXPECT_TRUE(message.starts_with(std::string(code) + ": config.json: "))
      << message;
  EXPECT_NE(message.find(reason), std::string::npos)
      << message << "\nexpected: " << reason;
}

void expect_flash(const ModelConfig& c) {
  EXPECT_EQ(c.hidden_size, 4096);
  EXPECT_EQ(c.num_hidden_layers, 43);
  EXPECT_EQ(c.num_attention_heads, 64);
  EXPECT_EQ(c.head_dim, 512);
  EXPECT_EQ(c.qk_rope_head_dim, 64);
  EXPECT_EQ(c.q_lora_rank, 1024);
  EXPECT_EQ(c.o_groups, 8);
  EXPECT_EQ(c.o_lora_rank, 1024);
  EXPECT_EQ(c.group_width(), 4096);
  EXPECT_EQ(c.sliding_window, 128);
  EXPECT_EQ(c.index_n_heads, 64);
  EXPECT_EQ(c.index_head_dim, 128);
  EXPECT_EQ(c.index_topk, 512);
  EXPECT_EQ(c.n_routed_experts, 256);
  EXPECT_EQ(c.num_experts_per_tok, 6);
  EXPECT_EQ(c.n_shared_experts, 1);
  EXPECT_EQ(c.moe_intermediate_size, 2048);
  EXPECT_EQ(c.num_hash_layers, 3);
  EXPECT_EQ(c.hc_mult, 4);
  EXPECT_EQ(c.hc_sinkhorn_iters, 20);
  EXPECT_EQ(c.vocab_size, 129280);
  EXPECT_EQ(c.max_position_embeddings, 1048576);
  EXPECT_EQ(c.hc_eps, 1e-6F);
  EXPECT_EQ(c.rms_norm_eps, 1e-6F);
  EXPECT_EQ(c.routed_scaling_factor, 1.5F);
  EXPECT_EQ(c.swiglu_limit, 10.0F);
  EXPECT_EQ(c.rope_theta, 10000.0);
  EXPECT_EQ(c.compress_rope_theta, 160000.0);
  EXPECT_EQ(c.rope_factor, 16.0);
  EXPECT_EQ(c.original_max_position_embeddings, 65536);
  EXPECT_EQ(c.beta_fast, 32.0);
  EXPECT_EQ(c.beta_slow, 1.0);
  EXPECT_EQ(c.bos_token_id, 0);
  EXPECT_EQ(c.eos_token_id, 1);
  ASSERT_GE(c.layer_kinds.size(), 43U);
  for (size_t i = 0; i < 43; ++i)
    EXPECT_EQ(
        c.layer_kinds[i],
        i < 2        ? LayerKind::window
        : i % 2 == 0 ? LayerKind::sparse
                     : LayerKind::compressed)
        << i;
}

TEST(ModelConfig, OfficialFlash) {
  const ModelConfig c = published("flash");
  expect_flash(c);
  EXPECT_EQ(c.num_nextn_predict_layers, 1);
  EXPECT_EQ(c.ignored_mtp_stages, 0);
  ASSERT_EQ(c.layer_kinds.size(), 44U);
  EXPECT_EQ(c.layer_kinds[43], LayerKind::window);
  EXPECT_TRUE(c.expert_format_stated);
  EXPECT_EQ(c.expert_format, ExpertFormat::fp4);
}

TEST(ModelConfig, OfficialPro) {
  const ModelConfig c = published("pro");
  EXPECT_EQ(c.hidden_size, 7168);
  EXPECT_EQ(c.num_hidden_layers, 61);
  EXPECT_EQ(c.num_attention_heads, 128);
  EXPECT_EQ(c.q_lora_rank, 1536);
  EXPECT_EQ(c.o_groups, 16);
  EXPECT_EQ(c.group_width(), 4096);
  EXPECT_EQ(c.n_routed_experts, 384);
  EXPECT_EQ(c.moe_intermediate_size, 3072);
  EXPECT_EQ(c.index_topk, 1024);
  EXPECT_EQ(c.routed_scaling_factor, 2.5F);
  ASSERT_EQ(c.layer_kinds.size(), 62U);
  EXPECT_EQ(c.layer_kinds[0], LayerKind::compressed);
  EXPECT_EQ(c.layer_kinds[1], LayerKind::compressed);
  EXPECT_EQ(c.layer_kinds[2], LayerKind::sparse);
  EXPECT_EQ(c.layer_kinds[60], LayerKind::sparse);
  EXPECT_EQ(c.layer_kinds[61], LayerKind::window);
}

TEST(ModelConfig, TransformersSpelling) {
  const ModelConfig flash = published("flash.transformers");
  expect_flash(flash);
  const ModelConfig pro = published("pro.transformers");
  EXPECT_EQ(pro.layer_kinds, published("pro").layer_kinds);
  EXPECT_EQ(pro.qk_rope_head_dim, 64);
  EXPECT_EQ(pro.compress_rope_theta, 160000.0);
}

TEST(ModelConfig, MlxCommunity) {
  expect_flash(published("mlx-community-flash-4bit"));
}

// Its three stages are DSpark, which never runs with the original wiring.
TEST(ModelConfig, Flash0731LeavesTheDraftStagesOut) {
  const ModelConfig c = published("flash-0731");
  expect_flash(c);
  EXPECT_EQ(c.num_nextn_predict_layers, 0);
  EXPECT_EQ(c.ignored_mtp_stages, 3);
  EXPECT_EQ(c.layer_kinds.size(), 43U);
}

TEST(ModelConfig, NanoFromItsDirectory) {
  const ModelConfig c = read_model_config(
      std::filesystem::path(HADAL_SOURCE_DIR) / "models/nano");
  EXPECT_EQ(c.hidden_size, 384);
  EXPECT_EQ(c.head_dim, 128);
  EXPECT_EQ(c.num_hash_layers, 2);
  EXPECT_EQ(c.layer_kinds.size(), 8U);
}

TEST(ModelConfig, RefusesOtherArchitectures) {
  expect_refused("unsupported", "DeepSeek-V4.1 is another", [](Json& c) {
    c["model_type"] = "deepseek_v41";
  });
  expect_refused("unsupported", R"(found "llama")", [](Json& c) {
    c["model_type"] = "llama";
  });
  expect_refused("corrupt", "model_type: the field is missing", [](Json& c) {
    c.erase("model_type");
  });
}

TEST(ModelConfig, RefusesToGuessTheSchedule) {
  expect_refused(
      "unsupported", "compress_ratios: the field is missing", [](Json& c) {
        c.erase("compress_ratios");
      });
  expect_refused("unsupported", "expected 0, 4 or 128", [](Json& c) {
    c["compress_ratios"][5] = 64;
  });
  expect_refused("unsupported", "compress_ratios[5]: found \"4\"", [](Json& c) {
    c["compress_ratios"][5] = "4";
  });
  expect_refused("corrupt", "found 42 entries, expected at least", [](Json& c) {
    c["compress_ratios"].erase(0);
    c["compress_ratios"].erase(0);
  });
  expect_refused(
      "corrupt", "expected a list", [](Json& c) { c["compress_ratios"] = 4; });
  expect_refused("unsupported", "the entry of the MTP stage is 4", [](Json& c) {
    c["compress_ratios"][43] = 4;
  });
}

TEST(ModelConfig, RefusesOtherLayerTypes) {
  const std::string text =
      testing::read_text(kConfigs / "flash.transformers.json");
  const auto changed = [&](const std::function<void(Json&)>& change) {
    Json config = Json::parse(text);
    change(config);
    return error_of([&] { parse_model_config(config.dump(), "c"); });
  };
  EXPECT_EQ(changed([](Json&) {}), "no error");
  EXPECT_NE(
      changed([](Json& c) {
        c["layer_types"][3] = "full_attention";
      }).find("layer_types[3]: found \"full_attention\""),
      std::string::npos);
  EXPECT_NE(
      changed([](Json& c) {
        c["compress_rates"]["compressed_sparse_attention"] = 128;
      }).find("expected 4"),
      std::string::npos);
  EXPECT_NE(
      changed([](Json& c) {
        c["mlp_layer_types"][5] = "hash_moe";
      }).find("first hash_moe, then moe"),
      std::string::npos);
  EXPECT_NE(
      changed([](Json& c) {
        c["rope_parameters"]["compress"]["attention_factor"] = 1.277;
      }).find("attention_factor"),
      std::string::npos);
  EXPECT_NE(
      changed([](Json& c) {
        c["partial_rotary_factor"] = 0.3;
      }).find("no whole number"),
      std::string::npos);
}

// Everything the forward pass reads must be there.
TEST(ModelConfig, EveryFieldIsRequired) {
  for (const char* key :
       {"hidden_size",
        "num_hidden_layers",
        "num_attention_heads",
        "head_dim",
        "qk_rope_head_dim",
        "q_lora_rank",
        "o_groups",
        "o_lora_rank",
        "sliding_window",
        "index_n_heads",
        "index_head_dim",
        "index_topk",
        "n_routed_experts",
        "num_experts_per_tok",
        "moe_intermediate_size",
        "num_hash_layers",
        "hc_mult",
        "hc_sinkhorn_iters",
        "hc_eps",
        "rms_norm_eps",
        "routed_scaling_factor",
        "swiglu_limit",
        "rope_theta",
        "compress_rope_theta",
        "rope_scaling",
        "vocab_size",
        "max_position_embeddings",
        "bos_token_id",
        "eos_token_id"}) {
    expect_refused(
        "corrupt", std::string(key) + ": the field is missing", [&](Json& c) {
          c.erase(key);
        });
    expect_refused(
        "corrupt", std::string(key) + ": found \"x\", expected", [&](Json& c) {
          c[key] = "x";
        });
  }
  for (const char* key :
       {"type",
        "factor",
        "original_max_position_embeddings",
        "beta_fast",
        "beta_slow"})
    expect_refused(
        "corrupt",
        "rope_scaling." + std::string(key) + ": the field is missing",
        [&](Json& c) { c["rope_scaling"].erase(key); });
}

TEST(ModelConfig, RefusesOutOfRangeNumbers) {
  for (const Json& value :
       {Json(0),
        Json(-1),
        Json(1.5),
        Json(1e300),
        Json(UINT64_MAX),
        Json(true),
        Json(nullptr)})
    EXPECT_TRUE(verdict([&](Json& c) {
                  c["hidden_size"] = value;
                }).starts_with("corrupt: config.json: hidden_size: "))
        << value;
  EXPECT_EQ(verdict([](Json& c) { c["hidden_size"] = 4096.0; }), "no error");
  for (const Json& value : {Json(0), Json(-1e-6), Json("1e-6")})
    EXPECT_TRUE(verdict([&](Json& c) {
                  c["hc_eps"] = value;
                }).starts_with("corrupt: config.json: hc_eps: "))
        << value;
}

TEST(ModelConfig, RefusesChoicesThatTheForwardPassDoesNotMake) {
  const std::pair<const char*, Json> cases[] = {
      {"scoring_func", "softmax"},
      {"topk_method", "greedy"},
      {"hidden_act", "gelu"},
      {"norm_topk_prob", false},
      {"tie_word_embeddings", true},
      {"attention_bias", true},
      {"num_key_value_heads", 2},
      {"n_shared_experts", 2},
      {"expert_dtype", "bf16"},
      {"o_groups", 7},
      {"num_experts_per_tok", 257},
      {"index_head_dim", 96},
      {"qk_rope_head_dim", 65},
      {"head_dim", 500},
      {"eos_token_id", 129280}};
  for (const auto& [key, value] : cases)
    expect_refused("unsupported", key, [&](Json& c) { c[key] = value; });
  expect_refused("unsupported", "rope_scaling.type", [](Json& c) {
    c["rope_scaling"]["type"] = "linear";
  });
  expect_refused("unsupported", "weight_block_size", [](Json& c) {
    c["quantization_config"]["weight_block_size"] = {64, 64};
  });
}

TEST(ModelConfig, OlderConfigsDoNotStateTheExpertFormat) {
  Json config = Json::parse(testing::read_text(kConfigs / "flash.json"));
  config.erase("expert_dtype");
  EXPECT_FALSE(parse_model_config(config.dump(), "c").expert_format_stated);
}

TEST(ModelConfig, RefusesDamagedJson) {
  const auto message = [](std::string_view text) {
    return error_of([&] { parse_model_config(text, "config.json"); });
  };
  EXPECT_NE(message("").find("no valid JSON"), std::string::npos);
  EXPECT_NE(message("{").find("no valid JSON"), std::string::npos);
  EXPECT_NE(message("[]").find("expected a JSON object"), std::string::npos);
  EXPECT_NE(message("\xFF").find("no valid JSON"), std::string::npos);
  EXPECT_NE(
      message(R"({"a":1,"a":2})").find(R"(the key "a" stands there twice)"),
      std::string::npos);
  const std::string deep(10000, '[');
  EXPECT_NE(
      message(R"({"a":)" + deep).find("nested deeper than 64"),
      std::string::npos);
  EXPECT_EQ(
      error_of([] { read_model_config("/nowhere"); }).substr(0, 33),
      "not_found: /nowhere/config.json: ");
}

}  // namespace
}  // namespace hadal
