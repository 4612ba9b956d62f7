// The flags of hadal serve.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "hadal/model.h"
#include "server/api/served_model.h"
#include "server/http/http_options.h"

namespace CLI {
class App;
}

namespace hadal::cli {

struct ServeFlags {
  std::shared_ptr<ModelOptions> model;

  std::string host = "127.0.0.1";
  int port = 8080;
  std::vector<std::string> host_names;
  std::vector<std::string> api_keys;
  std::string api_key_file;
  std::vector<std::string> cors;
  std::string tls_certificate;
  std::string tls_key;
  std::string max_body = "32MiB";
  int64_t max_connections = 1024;

  int64_t max_sequences = 32;
  int64_t max_queue = 256;
  double max_stall_ms = 250;
  std::string cache_memory;  // empty: what the engine chooses
  std::string cache_directory;
  std::string cache_disk = "50G";
  bool verify_hits = false;

  std::vector<std::string> served_names;
  std::string revision;
  ReasoningField reasoning_field = ReasoningField::reasoning_content;
  double request_timeout_seconds = 0;
  double shutdown_seconds = 5;
  std::string log_levels = "info";
};

// Adds them to the verb's parser.
std::shared_ptr<ServeFlags> add_serve_flags(CLI::App& app);

// Reads key files and the environment (HADAL_API_KEY). Throws UsageError and
// Error.
HttpServerOptions http_options(const ServeFlags& flags);

}  // namespace hadal::cli
