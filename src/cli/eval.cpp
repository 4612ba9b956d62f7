// hadal eval: how well a model predicts a text, how far two models are apart on
// it, and what goes into its products.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>

#include "base/interrupt.h"
#include "base/progress.h"
#include "base/thread_team.h"
#include "checkpoint/model_location.h"
#include "cli/eval/compare.h"
#include "cli/eval/report.h"
#include "cli/eval/text_windows.h"
#include "cli/exit_codes.h"
#include "cli/load_model.h"
#include "cli/model_flags.h"
#include "cli/read_text.h"
#include "cli/verbs.h"
#include "convert/importance_recorder.h"
#include "hadal/error.h"
#include "hadal/tokenizer.h"

namespace hadal::cli {
namespace {

struct EvalFlags {
  std::shared_ptr<ModelOptions> model;
  std::string what;
  std::vector<std::string> names;  // the models of compare, a text
  std::string text;
  int64_t window = 512;
  std::string out;
  bool json = false;
};

Windows read_windows(
    const EvalFlags& flags, const std::filesystem::path& model) {
  const bool calibration = flags.what == "importance";
  const std::string path =
      flags.text.empty() ? bundled_text(calibration).string() : flags.text;
  const Tokenizer tokenizer = Tokenizer::load(model);
  Windows windows = text_windows(tokenizer, read_text(path), flags.window);
  if (windows.empty())
    throw Error(
        ErrorCode::invalid_argument,
        path + ": no text to measure on, expected at least two tokens");
  return windows;
}

int run_perplexity(const EvalFlags& flags) {
  Interrupt interrupt;
  const Model model = load_model(*flags.model);
  const Windows windows = read_windows(flags, model.info().directory);
  Progress progress("reading", ProgressUnit::tokens);
  const PerplexityResult result = perplexity(
      model,
      windows,
      {.on_progress = [&](int64_t done,
                          int64_t total) { progress.update(done, total); },
       .stop = interrupt.token()});
  progress.finish();
  std::cout << (flags.json ? perplexity_json(result) : perplexity_text(result));
  return kSuccess;
}

int run_compare(const EvalFlags& flags) {
  Interrupt interrupt;
  ModelOptions options = *flags.model;
  options.checkpoint = flags.names[0];
  const Model a = load_model(options);
  options.checkpoint = flags.names[1];
  const Model b = load_model(options);
  const Windows windows = read_windows(flags, a.info().directory);
  Progress progress("comparing", ProgressUnit::tokens);
  const CompareResult result = compare(
      a,
      b,
      windows,
      {.on_progress = [&](int64_t done,
                          int64_t total) { progress.update(done, total); },
       .stop = interrupt.token()});
  progress.finish();
  std::cout << (flags.json ? compare_json(result) : compare_text(result));
  return kSuccess;
}

int run_importance(const EvalFlags& flags) {
  if (flags.out.empty())
    throw UsageError("eval importance needs --out FILE, where it goes");
  Interrupt interrupt;
  LoadedModel model = load_checkpoint(find_model(flags.model->checkpoint));
  const Windows windows =
      read_windows(flags, model.storage->files().directory());
  Progress progress("measuring", ProgressUnit::tokens);
  const int threads = flags.model->threads;
  const Importance importance = record_importance(
      std::move(model),
      windows,
      {.threads = threads > 0 ? threads : available_cores(),
       .on_progress = [&](int64_t done,
                          int64_t total) { progress.update(done, total); },
       .stop = interrupt.token()});
  progress.finish();
  if (!importance.finite())
    throw Error(
        ErrorCode::corrupt,
        flags.model->checkpoint +
            ": its activations are NaN or infinite; convert with "
            "--importance none names the weight that is to blame");
  importance.save(flags.out);
  return kSuccess;
}

int run(EvalFlags& flags) {
  if (flags.what == "compare") {
    if (flags.names.size() != 2)
      throw UsageError("eval compare needs two models, A and B");
    return run_compare(flags);
  }
  if (flags.names.size() > 1)
    throw UsageError("eval " + flags.what + " reads one text");
  if (!flags.names.empty())
    flags.text = flags.names.front();
  return flags.what == "importance" ? run_importance(flags)
                                    : run_perplexity(flags);
}

}  // namespace

Run add_eval(CLI::App& app) {
  auto flags = std::make_shared<EvalFlags>();
  flags->model = add_model_flags(app);
  app.add_option("what", flags->what, "What to measure")
      ->required()
      ->check(CLI::IsMember({"perplexity", "compare", "importance"}))
      ->option_text("perplexity|compare|importance");
  app.add_option(
         "names", flags->names, "compare: the models A and B; else a text")
      ->option_text("[A B | FILE]");
  app.add_option("--text", flags->text, "The text; default: the bundled one")
      ->option_text("FILE");
  app.add_option(
         "--window",
         flags->window,
         "Tokens that are read at once; default: 512")
      ->check(CLI::Range(2, 1 << 20))
      ->option_text("N");
  app.add_option("--out", flags->out, "importance: where it goes")
      ->option_text("FILE");
  app.add_flag("--json", flags->json, "Print JSON (docs/cli.md)");
  app.footer(
      "Examples:\n"
      "  hadal eval perplexity letter.txt\n"
      "  hadal eval compare models/nano nano-4bit\n"
      "  hadal eval importance --model models/nano --out nano.imp");
  return [flags] { return run(*flags); };
}

}  // namespace hadal::cli
