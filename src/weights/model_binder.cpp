#include "weights/model_binder.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "checkpoint/quote.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using enum TensorId;

// "mtp.0...." in any layout's prefix.
bool is_mtp_name(std::string_view name) {
  return name.starts_with("mtp.") || name.starts_with("model.mtp.") ||
         name.starts_with("language_model.model.mtp.");
}

// Parts that only the DSpark stages have (spec appendix B).
bool is_dspark_name(std::string_view name) {
  const auto contains = [&](std::string_view part) {
    return name.find(part) != std::string_view::npos;
  };
  return is_mtp_name(name) &&
         (contains(".main_proj.") || contains(".main_norm.") ||
          contains(".markov_head.") || contains(".confidence_head."));
}

// The layout whose spelling a tensor has. Transformers shares some spellings
// with MLX, so its own ones count for more.
CheckpointLayout layout_of(const StoredTensor& tensor) {
  const auto contains = [&](std::string_view part) {
    return tensor.name.find(part) != std::string::npos;
  };
  if (contains(".self_attn.") || contains(".mlp."))
    return CheckpointLayout::transformers;
  if (tensor.dtype == Dtype::u32 || contains(".switch_mlp.") ||
      contains("attn_hc."))
    return CheckpointLayout::mlx;
  return CheckpointLayout::release;
}

}  // namespace

ModelBinder::ModelBinder(
    ModelConfig& config,
    CheckpointStorage& storage,
    const QuantizationPlan* plan)
    : config_(config),
      storage_(storage),
      reader_(storage, plan),
      report_(config, storage.files()) {}

ModelBinder::Slots& ModelBinder::slots(BlockIndex block) {
  int64_t place = 0;
  if (block.scope == TensorScope::layer)
    place = 1 + block.number;
  else if (block.scope == TensorScope::mtp)
    place = 1 + config_.num_hidden_layers + block.number;
  return blocks_[static_cast<size_t>(place)];
}

// The official wiring of the MTP stage must never run DSpark weights
// (spec 6.2), whatever the configuration says.
void ModelBinder::recognise_dspark() {
  bool dspark = false;
  for (const SafetensorsFile& shard : storage_.files().shards())
    for (const StoredTensor& tensor : shard.tensors())
      dspark = dspark || is_dspark_name(tensor.name);
  if (!dspark || config_.num_nextn_predict_layers == 0)
    return;
  config_.ignored_mtp_stages = config_.num_nextn_predict_layers;
  config_.num_nextn_predict_layers = 0;
  config_.layer_kinds.resize(
      static_cast<size_t>(config_.num_hidden_layers), LayerKind::window);
}

bool ModelBinder::expected(const TensorPlace& place) const {
  const int64_t blocks =
      place.block.scope == TensorScope::layer ? config_.num_hidden_layers
      : place.block.scope == TensorScope::mtp ? config_.num_nextn_predict_layers
                                              : 1;
  if (place.block.number >= blocks)
    return false;
  if (place.id != expert_w1_w3 && !occurs(config_, place.id, place.block))
    return false;
  switch (rule(place.id).count) {
    case TensorCount::one:
      return place.index < 0;
    case TensorCount::per_expert:
      return place.index < config_.n_routed_experts;
    case TensorCount::per_group:
      return place.index < config_.o_groups;
  }
  return false;
}

void ModelBinder::store(const TensorPlace& place, const StoredTensor& tensor) {
  Slots& block = slots(place.block);
  StoredParts* parts = &block.whole[static_cast<size_t>(place.id)];
  if (place.index >= 0) {
    std::vector<StoredParts>& items = block.items[place.id];
    if (items.empty())
      items.resize(static_cast<size_t>(
          rule(place.id).count == TensorCount::per_expert
              ? config_.n_routed_experts
              : config_.o_groups));
    parts = &items[static_cast<size_t>(place.index)];
  }
  const StoredTensor*& slot = place.part == TensorPart::weight ? parts->weight
                              : place.part == TensorPart::scales
                                  ? parts->scales
                                  : parts->biases;
  if (slot != nullptr)
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: the same weight as {}, under another name; remove one of them",
            storage_.where(tensor),
            in_quotes(slot->name)));
  slot = &tensor;
  block.used = true;
}

void ModelBinder::collect() {
  recognise_dspark();
  blocks_.resize(static_cast<size_t>(
      1 + config_.num_hidden_layers + config_.num_nextn_predict_layers));
  for (const SafetensorsFile& shard : storage_.files().shards())
    for (const StoredTensor& tensor : shard.tensors()) {
      if (is_mtp_name(tensor.name)) {
        report_.count_mtp_tensor(tensor);
        if (config_.num_nextn_predict_layers == 0) {
          ++ignored_mtp_tensors_;
          continue;
        }
      }
      layout_ = std::max(layout_, layout_of(tensor));
      const std::optional<TensorPlace> place = parse_tensor_name(tensor.name);
      if (place && expected(*place))
        store(*place, tensor);
      else
        unexpected_.push_back(&tensor);
    }
}

// Older configurations do not name the experts' format: I8 means packed FP4.
// w2 tells it in every layout; transformers keeps w1 and w3 in one tensor.
void ModelBinder::settle_expert_format() {
  const Slots& block = slots({TensorScope::layer, 0});
  const auto items = block.items.find(expert_w2);
  const StoredTensor* weight =
      items != block.items.end()
          ? items->second[0].weight
          : block.whole[static_cast<size_t>(expert_w2)].weight;
  if (weight == nullptr ||
      (weight->dtype != Dtype::i8 && weight->dtype != Dtype::f8_e4m3))
    return;
  const ExpertFormat found =
      weight->dtype == Dtype::i8 ? ExpertFormat::fp4 : ExpertFormat::fp8;
  const std::string_view found_name =
      found == ExpertFormat::fp4 ? "fp4" : "fp8";
  if (config_.expert_format_stated && config_.expert_format != found)
    throw Error(
        ErrorCode::corrupt,
        fmt::format(
            "{}: found dtype {}, but config.json says expert_dtype = \"{}\"",
            storage_.where(*weight),
            name(weight->dtype),
            found == ExpertFormat::fp4 ? "fp8" : "fp4"));
  config_.expert_format = found;
  if (!config_.expert_format_stated)
    report_.note(fmt::format(
        "config.json does not state expert_dtype; it is {}, because the "
        "experts are stored as {}.",
        found_name,
        name(weight->dtype)));
}

void ModelBinder::throw_if_incomplete() const {
  if (missing_.empty() && unexpected_.empty())
    return;
  std::string found;
  if (!missing_.empty())
    found = fmt::format(
        "{} missing tensors (first: {})",
        missing_.size(),
        in_quotes(missing_.front()));
  if (!unexpected_.empty())
    found += fmt::format(
        "{}{} unexpected tensors (first: {} in {})",
        found.empty() ? "" : " and ",
        unexpected_.size(),
        in_quotes(unexpected_.front()->name),
        storage_.files().shard_name(unexpected_.front()->shard));
  throw Error(
      ErrorCode::corrupt,
      fmt::format(
          "{}: found {}; expected exactly the tensors of a deepseek_v4 model "
          "of this config.json; check that config and weights belong together",
          storage_.files().directory().string(),
          found));
}

// Notes the absence of a tensor; all of them make one message at the end.
bool ModelBinder::has_weight(
    TensorId id, BlockIndex block, StoredParts& parts) {
  parts = slots(block).whole[static_cast<size_t>(id)];
  if (parts.weight != nullptr)
    return true;
  missing_.push_back(
      release_name(id, block) + (rule(id).weight_suffix ? ".weight" : ""));
  return false;
}

ModelWeights ModelBinder::bind() {
  collect();
  settle_expert_format();
  const BlockIndex model;
  ModelWeights weights;
  weights.embed = matrix(embed, model);
  weights.head = matrix(head, model);
  weights.norm = plain(norm, model);
  weights.hc_head =
      bind_hyper_connection(model, hc_head_fn, hc_head_base, hc_head_scale);
  for (int64_t i = 0; i < config_.num_hidden_layers; ++i)
    weights.layers.push_back(bind_layer({TensorScope::layer, i}));

  const BlockIndex stage{TensorScope::mtp, 0};
  if (config_.num_nextn_predict_layers > 0 && slots(stage).used)
    weights.mtp.push_back(bind_mtp(stage));
  else if (ignored_mtp_tensors_ > 0)
    report_.note(fmt::format(
        "{} tensors mtp.* are left out: they are no MTP block of the "
        "original release (a DSpark module, or not in config.json); "
        "the model runs without drafts.",
        ignored_mtp_tensors_));
  else
    report_.note("The checkpoint has no MTP block; it runs without drafts.");
  throw_if_incomplete();
  return weights;
}

CheckpointReport ModelBinder::report() {
  return report_.finish(layout_, storage_.copied_bytes());
}

}  // namespace hadal
