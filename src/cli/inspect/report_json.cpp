#include <array>
#include <nlohmann/json.hpp>
#include <ostream>
#include <string>

#include "cli/inspect/report.h"

namespace hadal::cli {
namespace {

using Json = nlohmann::ordered_json;

Json config_json(const ModelConfig& config) {
  Json ratios = Json::array();
  for (const LayerKind kind : config.layer_kinds)
    ratios.push_back(static_cast<int>(kind));
  return {
      {"hidden_size", config.hidden_size},
      {"num_hidden_layers", config.num_hidden_layers},
      {"vocab_size", config.vocab_size},
      {"num_attention_heads", config.num_attention_heads},
      {"head_dim", config.head_dim},
      {"qk_rope_head_dim", config.qk_rope_head_dim},
      {"q_lora_rank", config.q_lora_rank},
      {"o_groups", config.o_groups},
      {"o_lora_rank", config.o_lora_rank},
      {"sliding_window", config.sliding_window},
      {"compress_ratios", std::move(ratios)},
      {"index_n_heads", config.index_n_heads},
      {"index_head_dim", config.index_head_dim},
      {"index_topk", config.index_topk},
      {"n_routed_experts", config.n_routed_experts},
      {"num_experts_per_tok", config.num_experts_per_tok},
      {"n_shared_experts", config.n_shared_experts},
      {"moe_intermediate_size", config.moe_intermediate_size},
      {"num_hash_layers", config.num_hash_layers},
      {"hc_mult", config.hc_mult},
      {"max_position_embeddings", config.max_position_embeddings},
      {"num_nextn_predict_layers", config.num_nextn_predict_layers}};
}

Json layer_json(const LayerReport& layer) {
  return {
      {"layer", layer.number},
      {"ratio", static_cast<int>(layer.kind)},
      {"routing", layer.hash_routed ? "hash" : "learned"},
      {"tensors", layer.tensors},
      {"parameters", layer.parameters},
      {"bytes", layer.bytes}};
}

Json group_json(const GroupReport& group) {
  Json out = {
      {"part", name(group.group)},
      {"tensors", group.tensors},
      {"parameters", group.parameters},
      {"bytes", group.bytes},
      {"bytes_per_token", group.bytes_per_token}};
  out["formats"] = Json::array();
  for (const FormatCount& format : group.formats)
    out["formats"].push_back(
        {{"format", format.format},
         {"matrices", format.matrices},
         {"bytes", format.bytes}});
  return out;
}

// An object with a value for each way to store cached rows.
template <class Value>
Json by_format(const Value& value) {
  constexpr std::array kFormats = {
      CacheFormat::f32, CacheFormat::bf16, CacheFormat::packed};
  Json out;
  for (size_t i = 0; i < kFormats.size(); ++i)
    out[std::string(name(kFormats[i]))] = value(i);
  return out;
}

Json plan_json(const MemoryPlan& plan) {
  Json out = {
      {"weight_bytes", plan.weight_bytes},
      {"machine_total_bytes", plan.machine.total_bytes},
      {"machine_available_bytes", plan.machine.available_bytes},
      {"cache_bytes_per_token",
       by_format([&plan](size_t i) { return plan.cache_bytes_per_token[i]; })}};
  out["contexts"] = Json::array();
  for (const MemoryPlanRow& row : plan.rows)
    out["contexts"].push_back(
        {{"context", row.context_tokens},
         {"cache_bytes",
          by_format([&row](size_t i) { return row.cache[i].total(); })},
         {"fits", by_format([&row](size_t i) { return row.fits[i]; })}});
  return out;
}

Json tensors_json(const CheckpointStorage& storage) {
  Json out = Json::array();
  for (const SafetensorsFile& shard : storage.files().shards())
    for (const StoredTensor& tensor : shard.tensors())
      out.push_back(
          {{"name", tensor.name},
           {"dtype", name(tensor.dtype)},
           {"shape",
            std::vector<int64_t>(tensor.shape.begin(), tensor.shape.end())},
           {"bytes", tensor.bytes},
           {"shard", shard.path().filename().string()}});
  return out;
}

template <class T, class Convert>
Json array_of(const std::vector<T>& items, const Convert& convert) {
  Json out = Json::array();
  for (const T& item : items)
    out.push_back(convert(item));
  return out;
}

}  // namespace

void print_json(
    const LoadedModel& model,
    const MemoryPlan& plan,
    bool tensors,
    std::ostream& out) {
  const CheckpointReport& report = model.report;
  Json json = {
      {"directory", report.directory.string()},
      {"layout", name(report.layout)},
      {"shards", report.shards},
      {"tensors", report.tensors},
      {"trunk_tensors", report.trunk_tensors},
      {"mtp_tensors", report.mtp_tensors},
      {"tensor_bytes", report.tensor_bytes},
      {"trunk_bytes", report.trunk_bytes},
      {"mtp_bytes", report.mtp_bytes},
      {"trunk_parameters", report.trunk_parameters},
      {"mtp_parameters", report.mtp_parameters},
      {"active_parameters", report.active_parameters},
      {"bytes_per_token", report.bytes_per_token},
      {"mtp_step_bytes", report.mtp_step_bytes},
      {"notes", report.notes},
      {"config", config_json(model.config)}};
  json["dtypes"] = Json::object();
  for (const DtypeCount& count : report.dtypes)
    json["dtypes"][std::string(name(count.dtype))] = {
        {"tensors", count.tensors}, {"bytes", count.bytes}};
  json["layers"] = array_of(report.layers, layer_json);
  json["mtp"] = array_of(report.mtp, layer_json);
  json["parts"] = array_of(report.groups, group_json);
  json["memory"] = plan_json(plan);
  if (tensors)
    json["tensor_list"] = tensors_json(*model.storage);
  out << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

}  // namespace hadal::cli
