#include "convert/fit.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/readable.h"
#include "convert/format_loss.h"
#include "hadal/error.h"

namespace hadal {
namespace {

using enum TensorId;
using Costs = std::array<FormatCost, kTensorIdCount>;

// What may be chosen for a kind, and what it costs there.
struct Choice {
  TargetFormat format;
  Costs costs;
};

// KL, in nats, that one unit of noise over signal in a kind's products costs:
// measured on the nano model by rounding one kind at a time to 3 bits
// (docs/quantization.md). It stands in for models that are too large to measure
// each choice on.
double sensitivity(TensorId id) {
  switch (id) {
    case embed:
      return 0.15;
    case head:
      return 0.32;
    case wkv:
      return 0.10;
    case wo_a:
      return 0.08;
    case wo_b:
      return 0.04;
    case expert_w1:
      return 0.13;
    case expert_w2:
      return 0.20;
    case expert_w3:
      return 0.06;
    case wq_a:
    case wq_b:
      return 0.015;
    case shared_w1:
    case shared_w2:
    case shared_w3:
      return 0.02;
    default:
      return 0.002;  // compressors, indexer
  }
}

std::vector<TensorId> matrices() {
  std::vector<TensorId> ids;
  for (const TensorRule& rule : tensor_rules())
    if (rule.storage == TensorStorage::matrix && rule.id != expert_w1_w3)
      ids.push_back(rule.id);
  return ids;
}

std::string pattern_of(TensorId id) {
  std::string leaf(rule(id).names[0]);
  std::replace(leaf.begin(), leaf.end(), '#', '*');
  return rule(id).scope == TensorScope::model ? leaf : "*." + leaf;
}

Recipe of_one_format(const TargetFormat& format, bool mtp) {
  Recipe recipe;
  recipe.name = text(format);
  recipe.mtp = mtp;
  recipe.rules = {{"*", format}};
  return recipe;
}

std::vector<TargetFormat> formats() {
  std::vector<TargetFormat> all{{TargetKind::same}, {TargetKind::mxfp4}};
  for (const int bits : {8, 6, 5, 4, 3, 2})
    all.push_back({TargetKind::affine, bits, 64});
  for (const int bits : {4, 3, 2})
    all.push_back({TargetKind::affine, bits, 32});
  return all;
}

class Fit {
 public:
  Fit(const LoadedModel& model, const FitOptions& options)
      : model_(model),
        options_(options),
        weights_(source_tensors(model), options.importance) {
    for (const TargetFormat& format : formats())
      add_choice(format);
    fixed_bytes_ = bytes_of_others();
    for (const TensorId id : matrices())
      if (choices_.front().costs[static_cast<size_t>(id)].bytes > 0)
        kinds_.push_back(id);
  }

  Recipe run() {
    std::vector<size_t> chosen = smallest();
    if (bytes(chosen) > options_.bytes)
      throw Error(
          ErrorCode::invalid_argument,
          fmt::format(
              "fit: {} is too small, the least for this model is {}",
              readable_bytes(options_.bytes),
              readable_bytes(bytes(chosen))));
    improve(chosen);
    Recipe best = recipe_of(chosen);
    double least = loss(chosen);
    for (const Recipe& named : named_recipes())
      if (const std::optional<double> theirs = loss_of(named);
          theirs && *theirs < least) {
        least = *theirs;
        best.rules = named.rules;
      }
    return best;
  }

 private:
  PlanOptions plan_options() const { return {.requantize = true}; }

  // A format that some kind cannot have (a group that does not divide its
  // columns) is none of the choices.
  void add_choice(const TargetFormat& format) {
    try {
      const ConvertPlan plan = make_plan(
          model_, of_one_format(format, options_.mtp), plan_options());
      choices_.push_back({format, format_costs(plan, options_.rule, weights_)});
    } catch (const Error& error) {
      if (error.code() != ErrorCode::invalid_argument)
        throw;
    }
    if (choices_.empty())
      throw Error(
          ErrorCode::invalid_argument,
          "fit: this source has no lossless form in the MLX layout to start "
          "from; convert it to bf16 first");
  }

  // Headers and whatever is no matrix.
  uint64_t bytes_of_others() const {
    const ConvertPlan plan = make_plan(
        model_,
        of_one_format({TargetKind::same}, options_.mtp),
        plan_options());
    uint64_t sum = plan.bytes;
    for (const TensorId id : matrices())
      sum -= choices_.front().costs[static_cast<size_t>(id)].bytes;
    // Other formats have more parts, whose names make headers longer.
    return sum + static_cast<uint64_t>(plan.modules.size()) * 256;
  }

  const FormatCost& cost(TensorId id, size_t choice) const {
    return choices_[choice].costs[static_cast<size_t>(id)];
  }

  std::vector<size_t> smallest() const {
    std::vector<size_t> out;
    for (const TensorId id : kinds_) {
      size_t best = 0;
      for (size_t c = 1; c < choices_.size(); ++c)
        if (cost(id, c).bytes < cost(id, best).bytes)
          best = c;
      out.push_back(best);
    }
    return out;
  }

  uint64_t bytes(const std::vector<size_t>& chosen) const {
    uint64_t sum = fixed_bytes_;
    for (size_t k = 0; k < kinds_.size(); ++k)
      sum += cost(kinds_[k], chosen[k]).bytes;
    return sum;
  }

  double loss(const std::vector<size_t>& chosen) const {
    double sum = 0;
    for (size_t k = 0; k < kinds_.size(); ++k)
      sum += sensitivity(kinds_[k]) * cost(kinds_[k], chosen[k]).noise;
    return sum;
  }

  // Takes the step that saves the most loss a byte, again and again.
  void improve(std::vector<size_t>& chosen) const {
    while (true) {
      const uint64_t used = bytes(chosen);
      double best_rate = 0;
      size_t best_kind = 0;
      size_t best_choice = 0;
      for (size_t k = 0; k < kinds_.size(); ++k) {
        const FormatCost& now = cost(kinds_[k], chosen[k]);
        for (size_t c = 0; c < choices_.size(); ++c) {
          const FormatCost& then = cost(kinds_[k], c);
          const double saved =
              sensitivity(kinds_[k]) * (now.noise - then.noise);
          if (saved <= 0 || used - now.bytes + then.bytes > options_.bytes)
            continue;
          const double more = then.bytes > now.bytes
                                  ? static_cast<double>(then.bytes - now.bytes)
                                  : 1e-3;
          if (saved / more > best_rate) {
            best_rate = saved / more;
            best_kind = k;
            best_choice = c;
          }
        }
      }
      if (best_rate == 0)
        return;
      chosen[best_kind] = best_choice;
    }
  }

  Recipe recipe_of(const std::vector<size_t>& chosen) const {
    Recipe recipe;
    recipe.name = fmt::format("fit:{}", options_.bytes);
    recipe.summary =
        fmt::format("the least loss within {}", readable_bytes(options_.bytes));
    recipe.mtp = options_.mtp;
    for (size_t k = 0; k < kinds_.size(); ++k)
      recipe.rules.push_back(
          {pattern_of(kinds_[k]), choices_[chosen[k]].format});
    return recipe;
  }

  // Empty when the recipe does not fit or is not made for this source.
  std::optional<double> loss_of(Recipe recipe) const {
    recipe.mtp = options_.mtp;
    try {
      const ConvertPlan plan = make_plan(model_, recipe, plan_options());
      if (plan.bytes > options_.bytes)
        return std::nullopt;
      const Costs costs = format_costs(plan, options_.rule, weights_);
      double sum = 0;
      for (const TensorId id : kinds_)
        sum += sensitivity(id) * costs[static_cast<size_t>(id)].noise;
      return sum;
    } catch (const Error& error) {
      if (error.code() != ErrorCode::invalid_argument)
        throw;
      return std::nullopt;
    }
  }

  const LoadedModel& model_;
  const FitOptions& options_;
  ChannelWeights weights_;
  std::vector<Choice> choices_;  // the first is the lossless one
  std::vector<TensorId> kinds_;
  uint64_t fixed_bytes_ = 0;
};

}  // namespace

Recipe fit_recipe(const LoadedModel& model, const FitOptions& options) {
  return Fit(model, options).run();
}

}  // namespace hadal
