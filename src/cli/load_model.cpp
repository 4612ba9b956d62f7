#include "cli/load_model.h"

#include <fmt/format.h>

#include <cstdint>
#include <iostream>
#include <optional>
#include <utility>

#include "base/log.h"
#include "base/progress.h"
#include "base/readable.h"
#include "convert/plan.h"
#include "weights/load_checkpoint.h"

namespace hadal::cli {
namespace {

// What the recipe would make of the model; nothing where it does not apply.
std::optional<uint64_t> bytes_with(
    const LoadedModel& model, const Recipe& recipe) {
  try {
    return make_plan(model, recipe, {.requantize = true}).bytes;
  } catch (const Error&) {
    return std::nullopt;
  }
}

}  // namespace

Model load_model(const ModelOptions& options, std::stop_token stop) {
  Progress progress("loading weights", ProgressUnit::bytes);
  LoadHooks hooks;
  hooks.on_weights = [&progress](uint64_t done, uint64_t total) {
    progress.update(static_cast<int64_t>(done), static_cast<int64_t>(total));
  };
  hooks.stop = std::move(stop);
  Model model = Model::load(options, hooks);
  progress.finish();
  const std::string& reason = model.info().device_reason;
  if (!reason.empty() && !log_enabled(LogLevel::warning, "model"))
    std::cerr << "hadal: on the CPU: " << reason << std::endl;
  return model;
}

std::string advice(const WeightsDoNotFit& error) {
  const LoadedModel model = inspect_checkpoint(error.model());
  std::string fitting;
  for (const Recipe& recipe : named_recipes()) {
    const std::optional<uint64_t> bytes = bytes_with(model, recipe);
    if (bytes && *bytes <= static_cast<uint64_t>(error.room()))
      fitting += fmt::format(
          "{}{} ({})",
          fitting.empty() ? "" : ", ",
          recipe.name,
          readable_bytes(*bytes));
  }
  return fmt::format(
      "{}; recipes of hadal convert that would fit: {}",
      error.what(),
      fitting.empty() ? "none" : fitting);
}

}  // namespace hadal::cli
