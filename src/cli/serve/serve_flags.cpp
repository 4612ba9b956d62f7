#include "cli/serve/serve_flags.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <map>
#include <sstream>

#include "cli/exit_codes.h"
#include "cli/model_flags.h"
#include "convert/sizes.h"
#include "server/web/web_files.h"

namespace hadal::cli {
namespace {

constexpr int64_t kMany = int64_t{1} << 20;

void add_network_flags(CLI::App& app, ServeFlags& flags) {
  constexpr const char* kGroup = "Network";
  app.add_option(
         "--host",
         flags.host,
         "Address or name to listen on; default: 127.0.0.1, this machine only; "
         "0.0.0.0: every address")
      ->envname("HADAL_HOST")
      ->option_text("ADDRESS")
      ->group(kGroup);
  app.add_option(
         "--port", flags.port, "Default: 8080; 0: any free one, see the log")
      ->envname("HADAL_PORT")
      ->check(CLI::Range(0, 65535))
      ->option_text("N")
      ->group(kGroup);
  app.add_option(
         "--host-name",
         flags.host_names,
         "A further name under which clients reach the server (a proxy's); "
         "requests for other names are refused on loopback")
      ->option_text("NAME")
      ->group(kGroup);
  app.add_option(
         "--tls-cert",
         flags.tls_certificate,
         "Speak TLS with this PEM certificate (chain)")
      ->option_text("FILE")
      ->group(kGroup);
  app.add_option("--tls-key", flags.tls_key, "And this PEM key")
      ->option_text("FILE")
      ->group(kGroup);
  app.add_option(
         "--cors",
         flags.cors,
         "A web page's origin that may use the server (https://chat.example), "
         "or *; default: none")
      ->option_text("ORIGIN")
      ->group(kGroup);
  app.add_option(
         "--max-body", flags.max_body, "Largest request; default: 32MiB")
      ->option_text("SIZE")
      ->group(kGroup);
  app.add_option(
         "--max-connections",
         flags.max_connections,
         "Connections at once; default: 1024")
      ->check(CLI::Range(int64_t{1}, kMany))
      ->option_text("N")
      ->group(kGroup);
}

void add_key_flags(CLI::App& app, ServeFlags& flags) {
  constexpr const char* kGroup = "API keys";
  app.add_option(
         "--api-key",
         flags.api_keys,
         "A key that clients must show; others on this machine can see it in "
         "the list of processes. $HADAL_API_KEY and --api-key-file hide it")
      ->option_text("[NAME=]KEY")
      ->group(kGroup);
  app.add_option(
         "--api-key-file", flags.api_key_file, "Keys, one [NAME=]KEY a line")
      ->option_text("FILE")
      ->group(kGroup);
}

void add_engine_flags(CLI::App& app, ServeFlags& flags) {
  constexpr const char* kGroup = "Engine";
  app.add_option(
         "--max-sequences",
         flags.max_sequences,
         "Answers that are written at once; default: 16")
      ->check(CLI::Range(int64_t{1}, kMany))
      ->option_text("N")
      ->group(kGroup);
  app.add_option(
         "--max-queue",
         flags.max_queue,
         "Requests that wait; more get status 503; default: 256")
      ->check(CLI::Range(int64_t{0}, kMany))
      ->option_text("N")
      ->group(kGroup);
  app.add_option(
         "--max-stall-ms",
         flags.max_stall_ms,
         "How long a part of a prompt may keep running answers from their next "
         "token; default: 250")
      ->check(CLI::Range(1.0, 3.6e6))
      ->option_text("MS")
      ->group(kGroup);
  app.add_option(
         "--cache-memory",
         flags.cache_memory,
         "Memory of running answers and saved prefixes; default: half of what "
         "is free")
      ->option_text("SIZE")
      ->group(kGroup);
  app.add_option(
         "--cache-dir",
         flags.cache_directory,
         "Keep prefixes on the disk too, in this directory; default: none")
      ->envname("HADAL_CACHE_DIR")
      ->option_text("DIR")
      ->group(kGroup);
  app.add_option(
         "--cache-disk", flags.cache_disk, "At most so much; default: 50G")
      ->option_text("SIZE")
      ->group(kGroup);
  app.add_flag(
         "--verify-hits",
         flags.verify_hits,
         "Compute every saved prefix again and compare: slow, a diagnosis")
      ->group(kGroup);
}

void add_api_flags(CLI::App& app, ServeFlags& flags) {
  constexpr const char* kGroup = "API";
  app.add_option(
         "--served-name",
         flags.served_names,
         "The model's name in /v1/models, and further ones; default: the "
         "checkpoint's directory. Requests may use any name")
      ->option_text("NAME")
      ->group(kGroup);
  app.add_option(
         "--revision",
         flags.revision,
         "The prompt format; default: found out from the checkpoint")
      ->option_text("v4|v4-0731")
      ->group(kGroup);
  app.add_option_function<std::string>(
         "--reasoning-field",
         [&flags](const std::string& word) {
           flags.reasoning_field = word == "both" ? ReasoningField::both
                                   : word == "reasoning"
                                       ? ReasoningField::reasoning
                                       : ReasoningField::reasoning_content;
         },
         "Where chat completions write reasoning; default: reasoning_content")
      ->check(CLI::IsMember({"both", "reasoning", "reasoning_content"}))
      ->option_text("both|reasoning|reasoning_content")
      ->group(kGroup);
  app.add_option(
         "--request-timeout",
         flags.request_timeout_seconds,
         "Seconds until a request is ended; default: none")
      ->check(CLI::Range(0.0, 1e9))
      ->option_text("S")
      ->group(kGroup);
  app.add_option(
         "--shutdown-seconds",
         flags.shutdown_seconds,
         "How long running answers may go on after SIGTERM or Ctrl-C; "
         "default: 5")
      ->check(CLI::Range(0.0, 86400.0))
      ->option_text("S")
      ->group(kGroup);
  app.add_option(
         "--log-level",
         flags.log_levels,
         "As hadal --log; default: info, a line a request")
      ->envname("HADAL_LOG")
      ->option_text("LEVELS")
      ->group(kGroup);
}

std::vector<ApiKey> all_keys(const ServeFlags& flags) {
  std::vector<ApiKey> keys;
  if (!flags.api_key_file.empty()) {
    keys = read_api_keys(flags.api_key_file);
    // A file that was emptied by mistake must not open the server.
    if (keys.empty())
      throw UsageError(
          "--api-key-file: there is no key in " + flags.api_key_file);
  }
  for (const std::string& text : flags.api_keys)
    keys.push_back(parse_api_key(text, keys.size() + 1));
  if (const char* text = std::getenv("HADAL_API_KEY"))
    keys.push_back(parse_api_key(text, keys.size() + 1));
  return keys;
}

}  // namespace

std::shared_ptr<ServeFlags> add_serve_flags(CLI::App& app) {
  auto flags = std::make_shared<ServeFlags>();
  add_network_flags(app, *flags);
  add_key_flags(app, *flags);
  add_engine_flags(app, *flags);
  add_api_flags(app, *flags);
  flags->model = add_model_flags(app);
  return flags;
}

HttpServerOptions http_options(const ServeFlags& flags) {
  HttpServerOptions options;
  options.host = flags.host;
  options.port = static_cast<uint16_t>(flags.port);
  options.tls_certificate = flags.tls_certificate;
  options.tls_key = flags.tls_key;
  options.api_keys = all_keys(flags);
  options.cors_origins = flags.cors;
  options.host_names = flags.host_names;
  options.open_paths = {"/health", "/v1/health"};
  for (std::string& path : web_file_paths())
    options.open_paths.push_back(std::move(path));
  options.limits.body_bytes = parse_size(flags.max_body);
  options.limits.connections = static_cast<size_t>(flags.max_connections);
  return options;
}

}  // namespace hadal::cli
