// hadal verify: replays recorded logits and says how far the model is off.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/interrupt.h"
#include "cli/exit_codes.h"
#include "cli/load_model.h"
#include "cli/model_flags.h"
#include "cli/verbs.h"
#include "cli/verify/golden_file.h"
#include "cli/verify/replay.h"
#include "cli/verify/report.h"
#include "hadal/error.h"

namespace hadal::cli {
namespace {

struct VerifyFlags {
  std::shared_ptr<ModelOptions> model;
  std::vector<std::string> files;
  std::vector<std::string> cases;
  bool json = false;
};

GoldenSizes sizes_of(const ModelInfo& info) {
  return {
      .vocabulary = info.vocabulary,
      .layers = info.layers,
      .streams = info.streams,
      .hidden_size = info.hidden_size};
}

// The cases of all files; with --case only those, each of which must exist.
std::vector<GoldenCase> read_cases(
    const VerifyFlags& flags, const GoldenSizes& sizes) {
  std::vector<GoldenCase> cases;
  for (const std::string& path : flags.files) {
    GoldenFile golden = read_golden_file(path, sizes);
    if (!golden.ignored_tensors.empty())
      std::cerr << fmt::format(
          "hadal: {}: {} tensors of an unknown kind are not looked at ({}{})\n",
          path,
          golden.ignored_tensors.size(),
          golden.ignored_tensors.front(),
          golden.ignored_tensors.size() > 1 ? ", ..." : "");
    for (GoldenCase& one : golden.cases)
      cases.push_back(std::move(one));
  }
  if (flags.cases.empty())
    return cases;
  std::vector<GoldenCase> chosen;
  for (const std::string& name : flags.cases) {
    const size_t before = chosen.size();
    for (const GoldenCase& one : cases)
      if (one.name == name)
        chosen.push_back(one);
    if (chosen.size() == before)
      throw UsageError(
          fmt::format("--case {}: none of the files has that case", name));
  }
  return chosen;
}

bool any_drafts(const std::vector<GoldenCase>& cases) {
  for (const GoldenCase& one : cases)
    for (const auto& [name, column] : one.columns)
      if (!column.mtp_logits.empty())
        return true;
  return false;
}

int run(const VerifyFlags& flags) {
  Interrupt interrupt;
  Model model = load_model(*flags.model);
  const std::vector<GoldenCase> cases =
      read_cases(flags, sizes_of(model.info()));
  for (const GoldenCase& one : cases)
    require_column(*flags.model, one);
  ReplayOptions options{.stop = interrupt.token()};
  // Drafts cost memory for each token, so they are asked for only when needed.
  if (any_drafts(cases) && model.info().has_mtp) {
    flags.model->mtp = true;
    model = load_model(*flags.model);
    options.mtp = true;
  }

  std::vector<CaseResult> results;
  bool pass = true;
  if (!flags.json)
    std::cout << report_header() << std::flush;
  for (const GoldenCase& one : cases) {
    results.push_back(replay(model, one, options));
    pass = pass && results.back().pass();
    if (!flags.json)
      std::cout << report_line(results.back()) << std::flush;
  }
  if (flags.json)
    std::cout << report_json(results);
  return pass ? kSuccess : kFailed;
}

}  // namespace

Run add_verify(CLI::App& app) {
  auto flags = std::make_shared<VerifyFlags>();
  flags->model = add_model_flags(app);
  app.add_option("golden", flags->files, "Files of recorded logits")
      ->required()
      ->option_text("GOLDEN.safetensors ...");
  app.add_option("--case", flags->cases, "Only the case of this name")
      ->expected(1)
      ->take_all()
      ->option_text("NAME");
  app.add_flag("--json", flags->json, "Print JSON (docs/cli.md)");
  app.footer(
      "Compares with the float32 recording; with --kv-fp8 off --index-fp4 off "
      "with the\nunrounded one. Exit status 1 when a case is beyond its "
      "bar.\n\n"
      "Example:\n"
      "  hadal verify models/nano/golden.safetensors --precision exact");
  return [flags] { return run(*flags); };
}

}  // namespace hadal::cli
