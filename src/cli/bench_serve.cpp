// hadal bench serve: how a server of OpenAI's API does under many clients.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <limits>
#include <memory>
#include <string>

#include "base/interrupt.h"
#include "cli/bench_serve/load.h"
#include "cli/bench_serve/report.h"
#include "cli/exit_codes.h"
#include "cli/remote.h"
#include "cli/verbs.h"

namespace hadal::cli {
namespace {

struct BenchServeFlags {
  LoadOptions load;
  std::string url = "http://127.0.0.1:8080";
  std::string api_key;
  double timeout_seconds = 600;
  bool json = false;
};

int run(BenchServeFlags& flags) {
  LoadOptions& load = flags.load;
  load.server = remote_options(flags.url, flags.api_key);
  load.server.idle_timeout = std::chrono::milliseconds(
      static_cast<int64_t>(flags.timeout_seconds * 1000));
  if (load.model.empty()) {
    HttpClient client(load.server);
    load.model = first_model(client);
  }
  Interrupt interrupt;
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const LoadResult result = run_load(
      load,
      [&](int64_t done) {
        if (terminal)
          std::cerr << "\r\x1b[K" << done << " of " << load.requests
                    << " requests" << std::flush;
      },
      interrupt.token());
  if (terminal)
    std::cerr << "\r\x1b[K" << std::flush;
  const LoadReport report = summarised(result);
  std::cout
      << (flags.json ? report_json(load, report) : report_text(load, report));
  return report.errors.empty() ? kSuccess : kFailed;
}

}  // namespace

Run add_bench_serve(CLI::App& app) {
  auto flags = std::make_shared<BenchServeFlags>();
  LoadOptions& load = flags->load;
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  app.add_option(
         "--url", flags->url, "The server; default: http://127.0.0.1:8080")
      ->option_text("URL");
  app.add_option(
         "--api-key",
         flags->api_key,
         "Its key; default: $HADAL_API_KEY, else $OPENAI_API_KEY")
      ->option_text("KEY");
  app.add_option(
         "--model",
         load.model,
         "The server's name of the model; default: the first that it lists")
      ->option_text("NAME");
  app.add_option("--clients", load.clients, "Requests at once; default: 1")
      ->check(CLI::Range(1, 4096))
      ->option_text("N");
  app.add_option("--requests", load.requests, "In all; default: 16")
      ->check(CLI::Range(int64_t{1}, kMost))
      ->option_text("N");
  app.add_option(
         "--prompt-tokens",
         load.prompt_tokens,
         "About so many in each prompt; default: 128")
      ->check(CLI::Range(int64_t{1}, kMost))
      ->option_text("N");
  app.add_option("--max-tokens", load.max_tokens, "Of each answer; default: 64")
      ->check(CLI::Range(int64_t{1}, kMost))
      ->option_text("N");
  app.add_flag(
      "--shared-prompt",
      load.shared_prompt,
      "All prompts begin alike; default: none does, so that nothing is reused");
  app.add_option(
         "--timeout",
         flags->timeout_seconds,
         "Seconds of silence after which a request counts as failed; default: "
         "600")
      ->check(CLI::Range(0.001, 1e6))
      ->option_text("S");
  app.add_flag("--json", flags->json, "Print JSON (docs/cli.md)");
  app.footer(
      "Streams /v1/chat/completions. Servers that know ignore_eos or "
      "min_tokens "
      "write answers of\nfull length. Exit status 1 when a request failed.\n\n"
      "Example:\n  hadal bench serve --clients 16 --requests 64 "
      "--prompt-tokens 512");
  return [flags] { return run(*flags); };
}

}  // namespace hadal::cli
