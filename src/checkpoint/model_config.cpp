// config.json -> ModelConfig. Every field is either read, or checked to have
// the one value that the forward pass assumes.
#include "checkpoint/model_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"
#include "checkpoint/json_fields.h"
#include "checkpoint/layer_schedule.h"
#include "checkpoint/quote.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using Json = nlohmann::json;

// Bounds that keep all products of two sizes far inside 64 bits. Pro needs
// 129,280 (vocabulary), 128 heads and 384 experts.
constexpr int64_t kMaxExtent = 1 << 24;
constexpr int64_t kMaxHeads = 1 << 16;
constexpr int64_t kMaxExperts = 4096;
constexpr int64_t kMaxContext = int64_t{1} << 32;

[[noreturn]] void refuse(std::string message) {
  throw Error(ErrorCode::unsupported, message);
}

void require_architecture(const JsonFields& fields) {
  const std::string type = fields.string("model_type");
  if (type == "deepseek_v4")
    return;
  if (type == "deepseek_v41")
    refuse(
        fields.where("model_type") +
        ": found \"deepseek_v41\"; DeepSeek-V4.1 is another architecture "
        "(other ratios, Engram tables, lagged hyper-connections), this program "
        "runs \"deepseek_v4\"");
  refuse(fmt::format(
      "{}: found {}, expected \"deepseek_v4\"",
      fields.where("model_type"),
      in_quotes(type)));
}

// What the forward pass takes for granted (spec 1.1).
void require_fixed_choices(const JsonFields& fields) {
  fields.expect_string("scoring_func", "sqrtsoftplus");
  fields.expect_string("topk_method", "noaux_tc");
  fields.expect_string("hidden_act", "silu");
  fields.expect_bool("norm_topk_prob", true);
  fields.expect_bool("tie_word_embeddings", false);
  fields.expect_bool("attention_bias", false);
  fields.expect_bool("mlp_bias", false);
  for (const char* key : {"num_key_value_heads", "n_shared_experts"})
    if (const auto value = fields.optional_integer(key, 1, kMaxExtent);
        value.value_or(1) != 1)
      refuse(fmt::format(
          "{}: found {}, this program can run 1 only",
          fields.where(key),
          *value));
}

int64_t read_rotary_dims(const JsonFields& fields, int64_t head_dim) {
  if (fields.has("qk_rope_head_dim") || !fields.has("partial_rotary_factor"))
    return fields.integer("qk_rope_head_dim", 2, head_dim);
  const double dims =
      fields.positive("partial_rotary_factor") * static_cast<double>(head_dim);
  const auto whole = static_cast<int64_t>(std::min(dims, 1e9));
  if (static_cast<double>(whole) != dims || whole > head_dim)
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: {} of head_dim {} channels is no whole number of them",
            fields.where("partial_rotary_factor"),
            fields.positive("partial_rotary_factor"),
            head_dim));
  return whole;
}

void read_yarn(const JsonFields& yarn, ModelConfig& config) {
  yarn.expect_string("type", "yarn");
  yarn.expect_string("rope_type", "yarn");
  if (!yarn.has("type") && !yarn.has("rope_type"))
    yarn.require("type");
  config.rope_factor = yarn.positive("factor");
  config.original_max_position_embeddings =
      yarn.integer("original_max_position_embeddings", 1, kMaxContext);
  config.beta_fast = yarn.positive("beta_fast");
  config.beta_slow = yarn.positive("beta_slow");
  // The magnitude of YaRN must not be multiplied in (spec 9, trap 11).
  if (yarn.has("attention_factor") && yarn.positive("attention_factor") != 1)
    refuse(fmt::format(
        "{}: found {}, expected 1",
        yarn.where("attention_factor"),
        yarn.positive("attention_factor")));
}

void read_rotation(const JsonFields& fields, ModelConfig& config) {
  if (fields.has("rope_parameters")) {
    const JsonFields both = fields.object("rope_parameters");
    const JsonFields main = both.object("main");
    const JsonFields compress = both.object("compress");
    main.expect_string("rope_type", "default");
    config.rope_theta = main.positive("rope_theta");
    config.compress_rope_theta = compress.positive("rope_theta");
    read_yarn(compress, config);
    return;
  }
  config.rope_theta = fields.positive("rope_theta");
  config.compress_rope_theta = fields.positive("compress_rope_theta");
  read_yarn(fields.object("rope_scaling"), config);
}

void read_expert_format(const JsonFields& fields, ModelConfig& config) {
  if (!fields.has("expert_dtype"))
    return;
  const std::string format = fields.string("expert_dtype");
  if (format != "fp4" && format != "fp8")
    refuse(fmt::format(
        "{}: found {}, expected \"fp4\" or \"fp8\"",
        fields.where("expert_dtype"),
        in_quotes(format)));
  config.expert_format =
      format == "fp4" ? ExpertFormat::fp4 : ExpertFormat::fp8;
  config.expert_format_stated = true;
}

// The release's own quantization block has a block size; MLX files have their
// plan there instead (quantization.h).
void require_block_size(const JsonFields& fields) {
  if (!fields.has("quantization_config"))
    return;
  const JsonFields block = fields.object("quantization_config");
  if (!block.has("weight_block_size"))
    return;
  const Json& size = block.require("weight_block_size");
  if (size != Json::array({128, 128}))
    refuse(fmt::format(
        "{}: found {}, expected [128, 128]",
        block.where("weight_block_size"),
        shown(size)));
  block.expect_string("quant_method", "fp8");
  block.expect_string("fmt", "e4m3");
}

void require(bool holds, const JsonFields& fields, const std::string& rule) {
  if (!holds)
    refuse(fmt::format("{}: {}", fields.source(), rule));
}

// Relations between fields that shapes, rotation and roundings rely on.
void check_relations(const ModelConfig& c, const JsonFields& fields) {
  require(
      c.num_attention_heads % c.o_groups == 0,
      fields,
      fmt::format(
          "o_groups = {} must divide num_attention_heads = {}",
          c.o_groups,
          c.num_attention_heads));
  require(
      c.num_experts_per_tok <= c.n_routed_experts,
      fields,
      fmt::format(
          "num_experts_per_tok = {} exceeds n_routed_experts = {}",
          c.num_experts_per_tok,
          c.n_routed_experts));
  require(
      c.qk_rope_head_dim % 2 == 0 && c.qk_rope_head_dim <= c.index_head_dim,
      fields,
      fmt::format(
          "qk_rope_head_dim = {} must be even and at most index_head_dim = {}",
          c.qk_rope_head_dim,
          c.index_head_dim));
  require(
      (c.head_dim - c.qk_rope_head_dim) % 64 == 0,
      fields,
      fmt::format(
          "head_dim - qk_rope_head_dim = {} must be a multiple of 64, the "
          "block of the cache's FP8 rounding",
          c.head_dim - c.qk_rope_head_dim));
  require(
      std::has_single_bit(static_cast<uint64_t>(c.index_head_dim)) &&
          c.index_head_dim >= 32,
      fields,
      fmt::format(
          "index_head_dim = {} must be a power of two from 32 on, for the "
          "Hadamard transform and the blocks of FP4",
          c.index_head_dim));
  require(
      c.bos_token_id < c.vocab_size && c.eos_token_id < c.vocab_size,
      fields,
      fmt::format(
          "bos_token_id and eos_token_id must be below {}", c.vocab_size));
}

}  // namespace

ModelConfig parse_model_config(std::string_view json, std::string_view source) {
  const Json parsed = parse_json_object(json, source);
  const JsonFields fields(parsed, source, "");
  require_architecture(fields);
  require_fixed_choices(fields);

  const auto extent = [&](const char* key) {
    return fields.integer(key, 1, kMaxExtent);
  };
  ModelConfig c;
  c.hidden_size = extent("hidden_size");
  c.num_hidden_layers = fields.integer("num_hidden_layers", 1, kMaxLayers);
  c.num_attention_heads = fields.integer("num_attention_heads", 1, kMaxHeads);
  c.head_dim = extent("head_dim");
  c.qk_rope_head_dim = read_rotary_dims(fields, c.head_dim);
  c.q_lora_rank = extent("q_lora_rank");
  c.o_groups = extent("o_groups");
  c.o_lora_rank = extent("o_lora_rank");
  c.sliding_window = extent("sliding_window");
  c.index_n_heads = extent("index_n_heads");
  c.index_head_dim = extent("index_head_dim");
  c.index_topk = extent("index_topk");
  c.n_routed_experts = fields.integer("n_routed_experts", 1, kMaxExperts);
  c.num_experts_per_tok = fields.integer("num_experts_per_tok", 1, kMaxExperts);
  c.n_shared_experts = 1;
  c.moe_intermediate_size = extent("moe_intermediate_size");
  c.num_hash_layers = read_hash_layers(fields, c.num_hidden_layers);
  c.hc_mult = fields.integer("hc_mult", 1, 64);
  c.hc_sinkhorn_iters = fields.integer("hc_sinkhorn_iters", 1, 1000);
  c.vocab_size = extent("vocab_size");
  c.max_position_embeddings =
      fields.integer("max_position_embeddings", 1, kMaxContext);
  c.hc_eps = static_cast<float>(fields.positive("hc_eps"));
  c.rms_norm_eps = static_cast<float>(fields.positive("rms_norm_eps"));
  c.routed_scaling_factor =
      static_cast<float>(fields.positive("routed_scaling_factor"));
  c.swiglu_limit = static_cast<float>(fields.positive("swiglu_limit"));
  c.bos_token_id =
      static_cast<int32_t>(fields.integer("bos_token_id", 0, kMaxExtent));
  c.eos_token_id =
      static_cast<int32_t>(fields.integer("eos_token_id", 0, kMaxExtent));
  read_rotation(fields, c);
  read_expert_format(fields, c);
  require_block_size(fields);
  read_layer_schedule(fields, c);
  check_relations(c, fields);
  return c;
}

ModelConfig read_model_config(const std::filesystem::path& directory) {
  const MappedFile file(directory / "config.json");
  const std::span<const std::byte> bytes = file.bytes();
  return parse_model_config(
      {reinterpret_cast<const char*>(bytes.data()), bytes.size()},
      file.path().string());
}

}  // namespace hadal
