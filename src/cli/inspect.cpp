// hadal inspect: what a checkpoint holds and how much memory it needs. Reads
// the configuration and the headers; the weights themselves are touched with
// --check only.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "base/memory_info.h"
#include "base/readable.h"
#include "checkpoint/model_location.h"
#include "cli/exit_codes.h"
#include "cli/inspect/report.h"
#include "cli/model_flags.h"
#include "cli/verbs.h"
#include "convert/manifest.h"
#include "weights/load_checkpoint.h"
#include "weights/memory_plan.h"

namespace hadal::cli {
namespace {

struct InspectFlags {
  std::string model;
  bool tensors = false;
  bool check = false;
  bool json = false;
};

// Hashes every tensor and file, and compares with what the conversion wrote.
int check(const InspectFlags& flags) {
  const std::filesystem::path directory = find_model(flags.model);
  const CheckResult result = check_directory(directory);
  for (const std::string& problem : result.problems)
    std::cout << problem << "\n";
  std::cout << fmt::format(
      "{}: {} tensors, {}: {}\n",
      directory.string(),
      result.tensors,
      readable_bytes(result.bytes),
      result.problems.empty()
          ? "all as written"
          : fmt::format("{} problems", result.problems.size()));
  return result.problems.empty() ? kSuccess : kFailed;
}

int run(const InspectFlags& flags) {
  if (flags.check)
    return check(flags);
  const LoadedModel model = inspect_checkpoint(find_model(flags.model));
  const MemoryPlan plan =
      plan_memory(model.config, model.report, memory_info());
  if (flags.json)
    print_json(model, plan, flags.tensors, std::cout);
  else
    print_text(model, plan, flags.tensors, std::cout);
  return kSuccess;
}

}  // namespace

Run add_inspect(CLI::App& app) {
  auto flags = std::make_shared<InspectFlags>();
  add_model_flag(app, flags->model);
  app.add_flag("--tensors", flags->tensors, "List every tensor");
  app.add_flag(
      "--check",
      flags->check,
      "Compare every byte with the hashes in hadal-manifest.json");
  app.add_flag("--json", flags->json, "Print JSON (docs/cli.md)");
  app.footer("Example:\n  hadal inspect --model deepseek-ai/DeepSeek-V4-Flash");
  return [flags] { return run(*flags); };
}

}  // namespace hadal::cli
