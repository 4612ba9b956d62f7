#include "cli/model_flags.h"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include "base/limits.h"

namespace hadal::cli {
namespace {

constexpr const char* kModelGroup = "Model";

// An option that takes one of the named values.
template <class T>
CLI::Option* add_choice(
    CLI::App& app,
    const std::string& name,
    T& value,
    const std::map<std::string, T>& choices,
    const char* what) {
  std::string names;
  for (const auto& [choice, unused] : choices)
    names += (names.empty() ? "" : "|") + choice;
  return app
      .add_option_function<std::string>(
          name,
          [&value, choices](const std::string& text) {
            value = choices.at(text);
          },
          what)
      ->check(CLI::IsMember(choices, CLI::ignore_case))
      ->option_text(names);
}

}  // namespace

void add_model_flag(CLI::App& app, std::string& checkpoint) {
  app.add_option(
         "-m,--model",
         checkpoint,
         "The checkpoint's directory, or org/name in the Hugging Face cache; "
         "default: $HADAL_MODEL, else the bundled nano model")
      ->option_text("DIR")
      ->group(kModelGroup);
}

void add_on_off(
    CLI::App& app, const std::string& name, bool& value, const char* what) {
  add_choice<bool>(app, name, value, {{"on", true}, {"off", false}}, what)
      ->group(kModelGroup);
}

std::shared_ptr<ModelOptions> add_model_flags(CLI::App& app) {
  auto options = std::make_shared<ModelOptions>();
  add_model_flag(app, options->checkpoint);
  add_choice<Device>(
      app,
      "--device",
      options->device,
      {{"auto", Device::automatic},
       {"cpu", Device::cpu},
       {"cuda", Device::cuda},
       {"mlx", Device::mlx}},
      "Where to run; this build has the CPU")
      ->envname("HADAL_DEVICE")
      ->group(kModelGroup);
  app.add_option("--threads", options->threads, "Threads; default: every core")
      ->envname("HADAL_THREADS")
      ->check(CLI::Range(1, kMaxThreads))
      ->option_text("N")
      ->group(kModelGroup);
  app.add_flag(
         "--pin",
         options->pin,
         "Keep every thread on a core of its own: steadier where nothing else "
         "runs")
      ->envname("HADAL_PIN")
      ->group(kModelGroup);
  app.add_option(
         "--numa",
         options->numa,
         "Memory nodes of weights and caches: off, interleave or bind:NODE; "
         "default: off")
      ->envname("HADAL_NUMA")
      ->option_text("off|interleave|bind:N")
      ->group(kModelGroup);
  app.add_option(
         "--context",
         options->context,
         "Tokens to have room for; default: as many as model and memory allow")
      ->envname("HADAL_CONTEXT")
      ->check(CLI::Range(int64_t{1}, std::numeric_limits<int64_t>::max()))
      ->option_text("N")
      ->group(kModelGroup);
  add_choice<Precision>(
      app,
      "--precision",
      options->precision,
      {{"default", Precision::standard}, {"exact", Precision::exact}},
      "exact: float32 activations and caches, slower")
      ->envname("HADAL_PRECISION")
      ->group(kModelGroup);
  add_on_off(
      app,
      "--kv-fp8",
      options->kv_fp8,
      "Round cached rows to FP8 as in training; default: on");
  add_on_off(
      app,
      "--index-fp4",
      options->index_fp4,
      "Round the indexer's queries and rows to FP4 as in training; default: "
      "on");
  add_on_off(
      app,
      "--gemm-fp8",
      options->gemm_fp8,
      "Round the inputs of quantised products to FP8 as the official code "
      "does; default: off");
  app.add_flag(
         "--reference",
         options->reference,
         "Run the plain reference kernels: slow, for diagnosis")
      ->group(kModelGroup);
  return options;
}

}  // namespace hadal::cli
