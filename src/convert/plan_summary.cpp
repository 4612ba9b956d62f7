#include "convert/plan_summary.h"

#include <fmt/format.h>

#include <array>
#include <set>

#include "convert/module_format.h"

namespace hadal {
namespace {

uint64_t read_per_token(
    const ModelConfig& config, const PlannedModule& module) {
  const uint64_t bytes = module.bytes();
  if (module.source.block.scope == TensorScope::mtp)
    return 0;
  switch (module.group) {
    case TensorGroup::embedding:
    case TensorGroup::hash_table:
      return bytes / static_cast<uint64_t>(config.vocab_size);
    case TensorGroup::routed_experts:
      return bytes * static_cast<uint64_t>(config.num_experts_per_tok) /
             static_cast<uint64_t>(config.n_routed_experts);
    default:
      return bytes;
  }
}

void add(
    GroupSummary& sum, const ModelConfig& config, const PlannedModule& module) {
  sum.tensors += static_cast<int64_t>(module.parts.size());
  sum.weights += module.weights();
  sum.bytes += module.bytes();
  sum.bytes_per_token += read_per_token(config, module);
  sum.rerounded += module.rerounded ? 1 : 0;
  ++sum.modules;
}

}  // namespace

PlanSummary summarise(const ModelConfig& config, const ConvertPlan& plan) {
  std::array<GroupSummary, kTensorGroupCount> sums;
  std::array<std::set<std::string>, kTensorGroupCount> sources;
  std::array<std::set<std::string>, kTensorGroupCount> outputs;
  PlanSummary summary;
  for (const PlannedModule& module : plan.modules) {
    const auto at = static_cast<size_t>(module.group);
    add(sums[at], config, module);
    add(summary.total, config, module);
    sources[at].insert(source_format_text(module));
    outputs[at].insert(output_format_text(module));
  }
  for (size_t at = 0; at < sums.size(); ++at) {
    if (sums[at].modules == 0)
      continue;
    sums[at].group = static_cast<TensorGroup>(at);
    sums[at].source = fmt::format("{}", fmt::join(sources[at], ", "));
    sums[at].output = fmt::format("{}", fmt::join(outputs[at], ", "));
    summary.groups.push_back(sums[at]);
  }
  return summary;
}

}  // namespace hadal
