#include "checkpoint/layer_schedule.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hadal/error.h"

namespace hadal {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& message) {
  throw Error(ErrorCode::unsupported, message);
}

LayerKind kind_of_ratio(const Json& value, const std::string& where) {
  if (value.is_number_integer())
    for (LayerKind kind :
         {LayerKind::window, LayerKind::sparse, LayerKind::compressed})
      if (value == static_cast<int>(kind))
        return kind;
  refuse(
      fmt::format("{}: found {}, expected 0, 4 or 128", where, shown(value)));
}

LayerKind kind_of_name(const Json& value, const std::string& where) {
  if (value == "sliding_attention")
    return LayerKind::window;
  if (value == "compressed_sparse_attention")
    return LayerKind::sparse;
  if (value == "heavily_compressed_attention")
    return LayerKind::compressed;
  refuse(fmt::format(
      "{}: found {}, expected sliding_attention, "
      "compressed_sparse_attention or heavily_compressed_attention",
      where,
      shown(value)));
}

template <class Convert>
std::vector<LayerKind> read_list(
    const JsonFields& fields, std::string_view key, Convert convert) {
  const Json& list = fields.require(key);
  if (!list.is_array() || list.size() > 2 * kMaxLayers)
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: found {}, expected a list with an entry a layer",
            fields.where(key),
            shown(list)));
  std::vector<LayerKind> kinds;
  for (size_t i = 0; i < list.size(); ++i)
    kinds.push_back(
        convert(list[i], fmt::format("{}[{}]", fields.where(key), i)));
  return kinds;
}

void require_compress_rates(const JsonFields& fields) {
  if (!fields.has("compress_rates"))
    return;
  const JsonFields rates = fields.object("compress_rates");
  const std::pair<const char*, LayerKind> expected[] = {
      {"compressed_sparse_attention", LayerKind::sparse},
      {"heavily_compressed_attention", LayerKind::compressed}};
  for (const auto& [key, kind] : expected)
    if (rates.has(key))
      if (kind_of_ratio(rates.require(key), rates.where(key)) != kind)
        refuse(fmt::format(
            "{}: found {}, expected {}",
            rates.where(key),
            shown(rates.require(key)),
            static_cast<int>(kind)));
}

// The schedule, one entry a trunk layer and perhaps some for MTP stages. There
// is no default: those of other programs match no published model (spec 1.4).
std::vector<LayerKind> read_schedule(
    const JsonFields& fields, int64_t trunk_layers) {
  std::vector<LayerKind> kinds;
  std::string_view key = "compress_ratios";
  if (fields.has(key)) {
    kinds = read_list(fields, key, kind_of_ratio);
  } else if (fields.has("layer_types")) {
    key = "layer_types";
    kinds = read_list(fields, key, kind_of_name);
    require_compress_rates(fields);
  } else {
    refuse(
        fields.where(key) +
        ": the field is missing (and so is layer_types); the kind of each "
        "layer cannot be guessed, take config.json from the model's release");
  }
  if (static_cast<int64_t>(kinds.size()) < trunk_layers)
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: found {} entries, expected at least num_hidden_layers = {}",
            fields.where(key),
            kinds.size(),
            trunk_layers));
  return kinds;
}

// Which MTP stages this program runs: the one window layer of the original
// releases. Later releases keep other stages in its place (DSpark, spec
// appendix B); those are left out, they only draft.
void read_mtp(const JsonFields& fields, ModelConfig& config) {
  const int64_t stages =
      fields.optional_integer("num_nextn_predict_layers", 0, kMaxLayers)
          .value_or(0);
  const int64_t listed = static_cast<int64_t>(config.layer_kinds.size()) -
                         config.num_hidden_layers;
  if (fields.has("dspark_block_size") || stages > 1 || listed > 1) {
    config.ignored_mtp_stages = std::max(stages, listed);
    config.layer_kinds.resize(static_cast<size_t>(config.num_hidden_layers));
    return;
  }
  config.num_nextn_predict_layers = stages;
  // The transformers spelling lists the trunk only; the stage is a window
  // layer by definition (spec 6.2).
  config.layer_kinds.resize(
      static_cast<size_t>(config.num_hidden_layers + stages),
      LayerKind::window);
  if (stages == 1 && config.layer_kinds.back() != LayerKind::window)
    refuse(fmt::format(
        "{}: the entry of the MTP stage is {}, expected 0",
        fields.where("compress_ratios"),
        static_cast<int>(config.layer_kinds.back())));
}

}  // namespace

void read_layer_schedule(const JsonFields& fields, ModelConfig& config) {
  config.layer_kinds = read_schedule(fields, config.num_hidden_layers);
  read_mtp(fields, config);
}

int64_t read_hash_layers(const JsonFields& fields, int64_t trunk_layers) {
  if (fields.has("num_hash_layers") || !fields.has("mlp_layer_types"))
    return fields.integer("num_hash_layers", 0, trunk_layers);
  const Json& list = fields.require("mlp_layer_types");
  int64_t hashed = 0;
  bool valid =
      list.is_array() && static_cast<int64_t>(list.size()) == trunk_layers;
  for (size_t i = 0; valid && i < list.size(); ++i) {
    if (list[i] == "hash_moe" && hashed == static_cast<int64_t>(i))
      ++hashed;
    else
      valid = list[i] == "moe";
  }
  if (!valid)
    refuse(fmt::format(
        "{}: expected {} entries, first hash_moe, then moe",
        fields.where("mlp_layer_types"),
        trunk_layers));
  return hashed;
}

}  // namespace hadal
