#include "convert/shard_layout.h"

#include <fmt/format.h>

#include <unordered_map>

namespace hadal {

void lay_out_shards(uint64_t shard_bytes, ConvertPlan& plan) {
  const bool mlx = plan.recipe.layout == CheckpointLayout::mlx;
  uint64_t filled = 0;
  for (PlannedModule& module : plan.modules) {
    const uint64_t bytes = module.bytes();
    if (plan.shards.empty() || (filled > 0 && filled + bytes > shard_bytes)) {
      plan.shards.emplace_back();
      filled = 0;
    }
    filled += bytes;
    for (PlannedPart& part : module.parts) {
      part.shard = static_cast<uint32_t>(plan.shards.size() - 1);
      plan.shards.back().tensors.push_back(part.declaration);
    }
  }
  std::unordered_map<std::string, uint64_t> offsets;
  for (size_t i = 0; i < plan.shards.size(); ++i) {
    PlannedShard& shard = plan.shards[i];
    shard.file = fmt::format(
        "model-{:05}-of-{:05}.safetensors", i + 1, plan.shards.size());
    sort_for_alignment(shard.tensors);
    shard.header =
        safetensors_header(shard.tensors, {{"format", mlx ? "mlx" : "pt"}});
    shard.bytes = shard.header.size();
    for (const TensorDeclaration& tensor : shard.tensors) {
      offsets.emplace(tensor.name, shard.bytes);
      shard.bytes += tensor.bytes();
    }
    plan.bytes += shard.bytes;
  }
  for (PlannedModule& module : plan.modules)
    for (PlannedPart& part : module.parts)
      part.offset = offsets.at(part.declaration.name);
}

}  // namespace hadal
