// Every tensor of a DeepSeek-V4 model, once: its names in all layouts, its
// logical shape, where it occurs and in which formats it may be stored (spec
// 7.1, 7.3, 7.4). Loading, inspecting and converting all read this table.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "checkpoint/model_config.h"

namespace hadal {

enum class TensorId : uint8_t {
  // the model
  embed,
  head,
  norm,
  hc_head_fn,
  hc_head_base,
  hc_head_scale,
  // a layer, and the block of an MTP stage
  attn_norm,
  ffn_norm,
  hc_attn_fn,
  hc_attn_base,
  hc_attn_scale,
  hc_ffn_fn,
  hc_ffn_base,
  hc_ffn_scale,
  attn_sink,
  wq_a,
  q_norm,
  wq_b,
  wkv,
  kv_norm,
  wo_a,
  wo_b,
  compressor_wkv,
  compressor_wgate,
  compressor_ape,
  compressor_norm,
  indexer_wq_b,
  indexer_weights_proj,
  indexer_compressor_wkv,
  indexer_compressor_wgate,
  indexer_compressor_ape,
  indexer_compressor_norm,
  gate,
  gate_bias,
  tid2eid,
  expert_w1,
  expert_w2,
  expert_w3,
  expert_w1_w3,  // transformers: both in one tensor, w1's rows first
  shared_w1,
  shared_w2,
  shared_w3,
  // beside the block of an MTP stage
  mtp_e_proj,
  mtp_h_proj,
  mtp_enorm,
  mtp_hnorm,
  mtp_norm,
  mtp_hc_head_fn,
  mtp_hc_head_base,
  mtp_hc_head_scale,
};
inline constexpr int kTensorIdCount =
    static_cast<int>(TensorId::mtp_hc_head_scale) + 1;

enum class TensorScope : uint8_t { model, layer, mtp };

// The lines of the report and of reference-numbers.md section 1.
enum class TensorGroup : uint8_t {
  embedding,
  head,
  attention,
  compressor,
  indexer,
  gate,
  shared_experts,
  routed_experts,
  hyper_connection,
  norm,
  small,  // sinks, position biases, gate biases
  hash_table,
};
inline constexpr int kTensorGroupCount = 12;
std::string_view name(TensorGroup group);

// What may be found, and what becomes of it.
enum class TensorStorage : uint8_t {
  matrix,       // any WeightFormat, with scales where the format has them
  plain,        // f32, bf16 or f16, used as it is
  f32_or_bf16,  // as plain, for kernels that read these two only
  f32,          // float32 in memory: widened into a copy when stored as bf16
  ids,          // I64 or I32
};

// How often a name occurs in a layer.
enum class TensorCount : uint8_t {
  one,
  per_expert,  // n_routed_experts, apart or stacked
  per_group,   // o_groups, in one matrix, stacked or apart
};

struct TensorRule {
  TensorId id;
  TensorScope scope;
  TensorGroup group;
  TensorStorage storage;
  TensorCount count;
  // The release's names have ".weight" at their end.
  bool weight_suffix;
  // Without a layer's prefix and without ".weight"; '#' stands for the number
  // of an expert or a group. The release's name is the first; empty ones are
  // unused.
  std::string_view names[4];
};

const TensorRule& rule(TensorId id);
std::span<const TensorRule> tensor_rules();

// One matrix, as the mathematics sees it: I8 or U32 words count by what they
// hold. A vector is one row.
struct LogicalShape {
  int64_t rows = 0;
  int64_t cols = 0;
};
LogicalShape logical_shape(
    const ModelConfig& config, TensorId id, LayerKind kind);

// A place in the model: the model itself, trunk layer N, or MTP stage N.
struct BlockIndex {
  TensorScope scope = TensorScope::model;
  int64_t number = 0;
  bool operator==(const BlockIndex&) const = default;
};
LayerKind layer_kind(const ModelConfig& config, BlockIndex block);

// Whether the model has this tensor there. expert_w1_w3 never: it is another
// form of two that are.
bool occurs(const ModelConfig& config, TensorId id, BlockIndex block);

// "layers.3.ffn.experts.7.w1": the release's name without suffix; `index` is
// the expert or group, or -1 for the whole.
std::string release_name(TensorId id, BlockIndex block, int64_t index = -1);

// What a name in a file means.
enum class TensorPart : uint8_t { weight, scales, biases };
struct TensorPlace {
  TensorId id{};
  BlockIndex block;
  int64_t index = -1;  // expert or group; -1: the name has no number
  TensorPart part = TensorPart::weight;
};

// Reads a name in any of the layouts' spellings, also mixed. Empty when it is
// none of the model's tensors. Numbers are not compared with a configuration.
std::optional<TensorPlace> parse_tensor_name(std::string_view name);

// The same for the path of a module ("model.layers.0.attn.wq_a"), as the
// quantization block of an MLX configuration spells it.
std::optional<TensorPlace> parse_module_path(std::string_view path);

}  // namespace hadal
