#include "convert/output_files.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "base/mapped_file.h"

namespace hadal {
namespace {

using Json = nlohmann::ordered_json;

std::string read_text(const std::filesystem::path& path) {
  const MappedFile file(path);
  return {
      reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size()};
}

bool copied(const std::string& name) {
  static constexpr std::array<std::string_view, 5> kPrefixes{
      "tokenizer",
      "special_tokens_map",
      "generation_config",
      "chat_template",
      "LICENSE"};
  return std::ranges::any_of(kPrefixes, [&](std::string_view prefix) {
    return name.starts_with(prefix);
  });
}

Json entry(const PlannedModule& module) {
  const char* mode = module.format == WeightFormat::affine  ? "affine"
                     : module.format == WeightFormat::mxfp4 ? "mxfp4"
                                                            : "mxfp8";
  const int bits = module.format == WeightFormat::affine  ? module.bits
                   : module.format == WeightFormat::mxfp4 ? 4
                                                          : 8;
  return {{"group_size", module.columns}, {"bits", bits}, {"mode", mode}};
}

// Every quantised module is named. The default is what the first affine module
// has, as in the community's files.
Json quantization_block(const ConvertPlan& plan) {
  Json block = {{"group_size", 64}, {"bits", 8}, {"mode", "affine"}};
  for (const PlannedModule& module : plan.modules)
    if (module.parts.size() == 3) {
      block = entry(module);
      break;
    }
  for (const PlannedModule& module : plan.modules)
    if (module.parts.size() > 1)
      block[module.path] = entry(module);
  return block;
}

}  // namespace

std::string output_config(
    const std::string& source_config, const ConvertPlan& plan) {
  Json config = Json::parse(source_config);
  config.erase("quantization");
  config.erase("quantization_config");
  const bool quantised = std::ranges::any_of(
      plan.modules,
      [](const PlannedModule& module) { return module.parts.size() > 1; });
  if (quantised && plan.recipe.layout == CheckpointLayout::mlx) {
    const Json block = quantization_block(plan);
    config["quantization"] = block;
    config["quantization_config"] = block;
  } else if (quantised) {
    config["quantization_config"] = {
        {"quant_method", "fp8"},
        {"fmt", "e4m3"},
        {"activation_scheme", "dynamic"},
        {"scale_fmt", "ue8m0"},
        {"weight_block_size", {128, 128}}};
    // The release states it, and readers trust it.
    for (const PlannedModule& module : plan.modules)
      if (module.group == TensorGroup::routed_experts)
        config["expert_dtype"] =
            module.format == WeightFormat::mxfp4 ? "fp4" : "fp8";
  }
  return config.dump(2) + "\n";
}

std::string output_index(const ConvertPlan& plan) {
  Json index;
  uint64_t bytes = 0;
  std::map<std::string, std::string> places;
  for (const PlannedShard& shard : plan.shards) {
    bytes += shard.bytes - shard.header.size();
    for (const TensorDeclaration& tensor : shard.tensors)
      places.emplace(tensor.name, shard.file);
  }
  index["metadata"] = {{"total_size", bytes}};
  index["weight_map"] = places;
  return index.dump(1) + "\n";
}

std::map<std::string, std::string> output_files(
    const std::filesystem::path& source, const ConvertPlan& plan) {
  std::map<std::string, std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(source)) {
    const std::string name = file.path().filename().string();
    if (file.is_regular_file() && copied(name))
      files.emplace(name, read_text(file.path()));
  }
  files.insert_or_assign(
      "config.json", output_config(read_text(source / "config.json"), plan));
  files.insert_or_assign("model.safetensors.index.json", output_index(plan));
  return files;
}

}  // namespace hadal
