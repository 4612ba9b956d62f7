// hadal serve: a model behind HTTP.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <iostream>
#include <memory>
#include <mutex>
#include <stop_token>

#include "base/interrupt.h"
#include "base/log.h"
#include "cli/exit_codes.h"
#include "cli/load_model.h"
#include "cli/log_sink.h"
#include "cli/serve/serve_flags.h"
#include "cli/serve/served_model.h"
#include "cli/verbs.h"
#include "convert/sizes.h"
#include "engine/batch_engine.h"
#include "engine/disk/disk_prefix_store.h"
#include "server/api/api_service.h"
#include "server/api/grammar_source.h"
#include "server/api/replay_store.h"
#include "server/http/http_server.h"
#include "server/web/web_service.h"

namespace hadal::cli {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

std::shared_ptr<PrefixStore> prefix_store(
    const ServeFlags& flags, const Model& model, const EngineModel& engine) {
  if (flags.cache_directory.empty())
    return nullptr;
  DiskPrefixStoreOptions options;
  options.folder = flags.cache_directory;
  options.budget_bytes = static_cast<int64_t>(parse_size(flags.cache_disk));
  options.fingerprint = model.info().fingerprint;
  return std::make_shared<DiskPrefixStore>(options, engine.layout, engine.pool);
}

// Generated turns beside the prefixes that hold their tokens.
std::unique_ptr<ReplayStore> replay_store(const ServeFlags& flags) {
  constexpr size_t kMemoryBytes = size_t{64} << 20;
  if (flags.cache_directory.empty())
    return std::make_unique<ReplayStore>(kMemoryBytes);
  constexpr size_t kMostBytes = size_t{256} << 20;
  return std::make_unique<ReplayStore>(
      kMemoryBytes,
      std::make_unique<ReplayFile>(
          std::filesystem::path(flags.cache_directory) / "replay.sqlite",
          std::min(
              kMostBytes,
              static_cast<size_t>(parse_size(flags.cache_disk)) / 16)));
}

BatchEngineOptions engine_options(const ServeFlags& flags) {
  BatchEngineOptions options;
  options.max_sequences = flags.max_sequences;
  options.max_queue = flags.max_queue;
  options.max_stall_ms = flags.max_stall_ms;
  if (!flags.cache_memory.empty())
    options.cache_memory = static_cast<int64_t>(parse_size(flags.cache_memory));
  options.verify_hits = flags.verify_hits;
  return options;
}

// The model and all that runs it. Made while the server says that it is
// loading; goes before the service.
struct Loaded {
  Loaded(const ServeFlags& flags, std::stop_token stop)
      : model(load_model(*flags.model, std::move(stop))),
        served(served_model(model, flags)),
        grammars(served->tokenizer, served->request.revision) {
    served->constraints = &grammars;
    EngineModel runner = engine_model(model);
    BatchEngineOptions options = engine_options(flags);
    store = prefix_store(flags, model, runner);
    options.store = store;
    // After the prefixes' store, which makes the folder.
    replay = replay_store(flags);
    served->replay = replay.get();
    engine = std::make_unique<BatchEngine>(std::move(runner), options);
  }

  Model model;
  std::unique_ptr<ServedModel> served;
  GrammarSource grammars;
  std::unique_ptr<ReplayStore> replay;
  std::shared_ptr<PrefixStore> store;
  std::unique_ptr<BatchEngine> engine;
};

// A socket each, and what the program needs itself. Systems often allow 1024 at
// first and more to those who ask.
void allow_connections(int64_t connections) {
  constexpr int64_t kOwnFiles = 256;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return;
  const auto wanted = static_cast<rlim_t>(connections + kOwnFiles);
  if (limit.rlim_cur >= wanted)
    return;
  limit.rlim_cur = std::min(wanted, limit.rlim_max);
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
    log(LogLevel::warning,
        "serve",
        "the system allows {} open files, fewer than --max-connections needs",
        limit.rlim_cur);
}

void wait_for(std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait(lock, stop, [] { return false; });
}

// The order matters: replies go before the engine, the engine before the
// service that its observers report to.
void shut_down(
    HttpServer& server,
    ApiService& service,
    Loaded& loaded,
    const ServeFlags& flags) {
  log(LogLevel::info, "serve", "stopping");
  service.close();
  server.stop(duration_cast<milliseconds>(
      std::chrono::duration<double>(flags.shutdown_seconds)));
  loaded.engine->stop(milliseconds(0));
  if (loaded.store)
    loaded.store->flush();
  log(LogLevel::info, "serve", "stopped");
}

// --log before the verb counts unless the verb's own flag is there too.
void start_server_log(const CLI::App& app, const ServeFlags& flags) {
  if (app.count("--log-level") == 0 && app.get_parent()->count("--log") > 0)
    return;
  if (const std::string problem = start_log(flags.log_levels); !problem.empty())
    throw UsageError(problem);
}

int run(const ServeFlags& flags) {
  Interrupt interrupt;
  allow_connections(flags.max_connections);
  ApiService service;
  WebService front(service);
  HttpServer server(http_options(flags), front);
  Loaded loaded(flags, interrupt.token());
  service.open(*loaded.served, *loaded.engine);
  const ModelInfo& info = loaded.model.info();
  log(LogLevel::info,
      "serve",
      "{} is ready at {}: context {}, {} threads, {} sequences at once",
      loaded.served->name,
      server.url(),
      info.context,
      info.threads,
      flags.max_sequences);
  wait_for(interrupt.token());
  shut_down(server, service, loaded, flags);
  return kSuccess;
}

}  // namespace

Run add_serve(CLI::App& app) {
  const auto flags = add_serve_flags(app);
  app.footer(
      "Speaks OpenAI's Chat Completions, Completions and Responses, and "
      "Anthropic's Messages;\na web page is at /. SIGTERM and Ctrl-C let "
      "running answers end for a while; a second\nCtrl-C ends the program.\n\n"
      "Examples:\n"
      "  hadal serve\n"
      "  hadal serve --host 0.0.0.0 --api-key-file keys --cache-dir "
      "/var/cache/hadal\n"
      "  curl http://127.0.0.1:8080/v1/chat/completions -H 'Content-Type: "
      "application/json' \\\n"
      "    -d '{\"messages\": [{\"role\": \"user\", \"content\": "
      "\"Hello\"}]}'");
  return [flags, &app] {
    start_server_log(app, *flags);
    return run(*flags);
  };
}

}  // namespace hadal::cli
