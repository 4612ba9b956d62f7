// hadal bench: how fast this machine runs a model, and how near to what it
// could do at most.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/atomic_file.h"
#include "base/interrupt.h"
#include "base/limits.h"
#include "base/thread_team.h"
#include "bench/bench_run.h"
#include "cli/exit_codes.h"
#include "cli/model_flags.h"
#include "cli/verbs.h"
#include "hadal/error.h"

namespace hadal::cli {
namespace {

struct BenchFlags {
  BenchOptions options;
  std::string synthetic;
  std::vector<std::string> contexts;
  std::vector<int64_t> prompts = {2048};
  std::string device = "cpu";
  bool json = false;
  std::string svg;
};

// "4096", "4K" or "1M".
int64_t token_count(const std::string& text) {
  int64_t value = 0;
  size_t digits = 0;
  while (digits < text.size() && digits < 12 && text[digits] >= '0' &&
         text[digits] <= '9')
    value = value * 10 + (text[digits++] - '0');
  const std::string unit = text.substr(digits);
  if (unit == "K" || unit == "k")
    value <<= 10;
  else if (unit == "M" || unit == "m")
    value <<= 20;
  else if (!unit.empty())
    value = 0;
  if (digits == 0 || value == 0)
    throw UsageError(
        "--context: found \"" + text +
        "\", expected a number of tokens such as 4096, 4K or 1M");
  return value;
}

// One line on a terminal that says what is being timed.
class StatusLine {
 public:
  StatusLine() : terminal_(isatty(STDERR_FILENO) == 1) {}
  ~StatusLine() { clear(); }
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  void show(const std::string& what) {
    if (!terminal_)
      return;
    std::fprintf(stderr, "\r\x1b[Kbench: %s", what.c_str());
    std::fflush(stderr);
    shown_ = true;
  }
  void clear() {
    if (shown_)
      std::fputs("\r\x1b[K", stderr);
    shown_ = false;
  }

 private:
  bool terminal_;
  bool shown_ = false;
};

void print_report(const BenchReport& report) {
  if (!report.model.empty())
    std::cout << report.model << "\n";
  std::cout << fmt::format(
      "{}, {} cores, load {:.1f}\n",
      report.machine.processor,
      report.machine.cores,
      report.machine.load);
  for (const CeilingPair& pair : report.ceilings)
    std::cout << ceilings_text(pair.best());
  std::cout << "\n" << row_header_text();
  for (const BenchRow& row : report.rows)
    std::cout << row_text(row);
  for (const StepProfile& profile : report.profiles)
    std::cout << profile_text(profile, report.ceilings_for(profile.threads));
}

void settle_flags(const CLI::App& app, BenchFlags& flags) {
  BenchOptions& options = flags.options;
  if (!flags.synthetic.empty()) {
    if (app.count("--model") > 0)
      throw UsageError("--synthetic and --model are two models; give one");
    options.synthetic = parse_synthetic_spec(flags.synthetic).value();
  }
  options.model = options.synthetic.has_value() || app.count("--model") > 0 ||
                  !options.kernels;
  options.contexts.clear();
  for (const std::string& text : flags.contexts)
    options.contexts.push_back(token_count(text));
  options.prompts.clear();
  for (const int64_t tokens : flags.prompts)
    if (tokens > 0)
      options.prompts.push_back(tokens);
  options.cuda = flags.device == "cuda";
  if (options.cuda && options.kernels)
    throw UsageError(
        "--kernels times the CPU's kernels; hadal_cuda_bench times those of "
        "the GPU");
  if (options.threads.empty()) {
    const int cores = available_cores();
    options.threads =
        cores > 1 && !options.cuda ? std::vector{1, cores} : std::vector{cores};
  }
  const std::set<int> different(options.threads.begin(), options.threads.end());
  if (different.size() != options.threads.size())
    throw UsageError("--threads: a number is there twice");
}

int run(BenchFlags& flags) {
  Interrupt interrupt;
  StatusLine status;
  BenchHooks hooks;
  hooks.stop = interrupt.token();
  hooks.on_start = [&status](const std::string& what) { status.show(what); };
  const BenchReport report = run_bench(flags.options, hooks);
  status.clear();
  if (flags.json)
    std::cout << report_json(report);
  else
    print_report(report);
  for (const std::string& warning : report.warnings())
    std::cerr << "hadal: warning: " << warning << "\n";
  if (!flags.svg.empty()) {
    AtomicFile file(flags.svg);
    file.write(report_svg(report));
    file.commit();
  }
  return kSuccess;
}

}  // namespace

Run add_bench(CLI::App& app) {
  auto flags = std::make_shared<BenchFlags>();
  BenchOptions& options = flags->options;
  options.threads.clear();
  flags->contexts = {"1K", "4K", "64K"};
  add_model_flag(app, options.checkpoint);
  app.add_option(
         "--synthetic",
         flags->synthetic,
         "Weights of true shapes made in memory: "
         "flash|pro|tiny[:layers=N,experts=N,format=F], F one of " +
             synthetic_formats())
      ->option_text("SPEC");
  app.add_option(
         "--device", flags->device, "Where the model runs; default: cpu")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->option_text("cpu|cuda");
  app.add_option(
         "--threads",
         options.threads,
         "Numbers of threads to measure; default: 1 and every core")
      ->delimiter(',')
      ->check(CLI::Range(1, kMaxThreads))
      ->option_text("N,...");
  app.add_option(
         "--context",
         flags->contexts,
         "Tokens in the cache when a token is decoded; default: 1K,4K,64K. "
         "Caches are filled with random rows, not by reading text")
      ->delimiter(',')
      ->option_text("N,...");
  app.add_option(
         "--prompt",
         flags->prompts,
         "Tokens of the prompts to read; 0: none; default: 2048")
      ->delimiter(',')
      ->check(CLI::Range(int64_t{0}, int64_t{1} << 20))
      ->option_text("N,...");
  app.add_option(
         "--batch",
         options.batches,
         "Sequences decoded at once; those above 1 at the first context only; "
         "default: 1")
      ->delimiter(',')
      ->check(CLI::Range(1, 256))
      ->option_text("N,...");
  app.add_flag(
      "--kernels",
      options.kernels,
      "Single kernels in every weight format; without a model unless one is "
      "named");
  app.add_flag(
      "--profile",
      options.profile,
      "For every row of the model: time, bytes and operations by kernel");
  app.add_option("--seconds", options.seconds, "Time a row takes; default: 1")
      ->check(CLI::Range(0.001, 3600.0))
      ->option_text("S");
  app.add_flag("--json", flags->json, "Print JSON (docs/cli.md)");
  app.add_option("--svg", flags->svg, "Write a plot of the shares")
      ->option_text("FILE");
  app.footer(
      "A decode row's ceiling is the read bandwidth over the bytes that a step "
      "must read: all weights of every layer, of the routed experts those that "
      "were chosen, the head, and the cached rows that attention and indexer "
      "visit. A prefill row's ceiling is the time of its matrix products, each "
      "at the peak of the instruction it uses. The bandwidth is measured "
      "before "
      "and after every row; the better counts. Values are medians, spread is "
      "(90th - 10th percentile) / median.\n\n"
      "Examples:\n"
      "  hadal bench --synthetic flash:layers=8,experts=32 --context 1K,64K\n"
      "  hadal bench --device cuda --synthetic flash:layers=12 --batch 1,16\n"
      "  hadal bench --kernels --threads 2 --json\n"
      "  hadal bench serve --url http://127.0.0.1:8080 --clients 16");
  CLI::App* const serve = app.add_subcommand(
      "serve", "Measure a server of OpenAI's API under many clients");
  const Run run_serve = add_bench_serve(*serve);
  return [flags, &app, serve, run_serve] {
    if (serve->parsed())
      return run_serve();
    settle_flags(app, *flags);
    return run(*flags);
  };
}

}  // namespace hadal::cli
