#include "convert/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "convert/module_format.h"
#include "convert/shard_layout.h"
#include "hadal/error.h"

namespace hadal {
namespace {

// The rule that decides about each matrix, with every rule's use counted.
class RuleBook {
 public:
  explicit RuleBook(const Recipe& recipe)
      : recipe_(recipe),
        matrices_(recipe.rules.size(), 0),
        others_(recipe.rules.size(), 0) {}

  TargetFormat target(const PlannedModule& module, bool matrix) {
    TargetFormat found;
    bool decided = !matrix;
    for (size_t i = 0; i < recipe_.rules.size(); ++i) {
      const RecipeRule& rule = recipe_.rules[i];
      if (!matches(rule.pattern, module.name) &&
          !matches(rule.pattern, module.path))
        continue;
      ++(matrix ? matrices_ : others_)[i];
      if (!decided)
        found = rule.format;
      decided = true;
    }
    return found;
  }

  void require_all_used() const {
    for (size_t i = 0; i < recipe_.rules.size(); ++i) {
      if (matrices_[i] > 0)
        continue;
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format(
              "recipe {}: the pattern \"{}\" matches {}; `hadal inspect "
              "--tensors` lists the names",
              recipe_.name,
              recipe_.rules[i].pattern,
              others_[i] > 0
                  ? "only tensors that stay as they are in every recipe"
                  : "no tensor of the source"));
    }
  }

 private:
  const Recipe& recipe_;
  std::vector<int> matrices_;
  std::vector<int> others_;
};

void refuse_second_rounding(
    const std::vector<PlannedModule>& modules, const PlanOptions& options) {
  if (options.requantize)
    return;
  int64_t count = 0;
  const PlannedModule* first = nullptr;
  for (const PlannedModule& module : modules)
    if (module.rerounded && rounded_before(module, options)) {
      first = first == nullptr ? &module : first;
      ++count;
    }
  if (first == nullptr)
    return;
  throw Error(
      ErrorCode::invalid_argument,
      fmt::format(
          "{} modules of the source were rounded by an earlier conversion "
          "(first: {}, {}) and would be rounded a second time: both errors add "
          "up. Convert from the release instead, or accept it with "
          "--requantize",
          count,
          first->name,
          source_format_text(*first)));
}

void add_notes(const LoadedModel& model, ConvertPlan& plan) {
  int64_t rerounded = 0;
  for (const PlannedModule& module : plan.modules)
    rerounded += module.rerounded ? 1 : 0;
  if (rerounded > 0)
    plan.notes.push_back(fmt::format(
        "{} of {} modules hold numbers that the source had already rounded and "
        "that this recipe rounds again.",
        rerounded,
        plan.modules.size()));
  if (!plan.recipe.mtp && !model.weights.mtp.empty())
    plan.notes.push_back(
        "The next-token module is left out, as in all files of this layout; "
        "--mtp keep writes it.");
  for (const std::string& note : model.report.notes)
    plan.notes.push_back(note);
}

// The release keeps every expert apart.
std::vector<PlannedModule> modules_of(
    const SourceTensor& source, CheckpointLayout layout) {
  std::vector<PlannedModule> out;
  const bool apart = layout == CheckpointLayout::release &&
                     rule(source.id).count == TensorCount::per_expert;
  const size_t count = apart ? source.items.size() : 1;
  for (size_t i = 0; i < count; ++i) {
    PlannedModule module;
    module.source = source;
    if (apart) {
      module.source.items = {source.items[i]};
      module.expert = static_cast<int64_t>(i);
    }
    module.group = rule(source.id).group;
    name_module(layout, apart ? static_cast<int64_t>(i) : -1, module);
    out.push_back(std::move(module));
  }
  return out;
}

}  // namespace

int64_t PlannedModule::weights() const {
  return static_cast<int64_t>(source.items.size()) * source.shape.rows *
         source.shape.cols;
}

uint64_t PlannedModule::bytes() const {
  uint64_t sum = 0;
  for (const PlannedPart& part : parts)
    sum += part.declaration.bytes();
  return sum;
}

ConvertPlan make_plan(
    const LoadedModel& model,
    const Recipe& recipe,
    const PlanOptions& options) {
  ConvertPlan plan;
  plan.recipe = recipe;
  RuleBook rules(recipe);
  for (const SourceTensor& source : source_tensors(model)) {
    const bool dropped = !recipe.mtp && source.block.scope == TensorScope::mtp;
    const bool matrix = rule(source.id).storage == TensorStorage::matrix;
    for (PlannedModule& module : modules_of(source, recipe.layout)) {
      const TargetFormat target = rules.target(module, matrix);
      if (dropped)
        continue;
      choose_format(recipe.layout, target, module);
      plan.modules.push_back(std::move(module));
    }
  }
  rules.require_all_used();
  refuse_second_rounding(plan.modules, options);
  lay_out_shards(options.shard_bytes, plan);
  add_notes(model, plan);
  return plan;
}

}  // namespace hadal
