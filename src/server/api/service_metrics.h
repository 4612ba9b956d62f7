// What the service counts, and GET /metrics: Prometheus text with these and
// everything of EngineStatus. All names start with hadal_.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include "engine/engine.h"
#include "server/api/histogram.h"

namespace hadal {

// Safe from any thread.
class ServiceMetrics {
 public:
  ServiceMetrics();

  // An answer ended. `route` is one of a fixed set, never a client's text.
  void count_request(std::string_view route, int status);
  void count_parse_failures(uint64_t blocks) { parse_failures_ += blocks; }
  void count_stop(std::string_view reason);

  Histogram time_to_first_token_seconds;  // since the request was accepted
  Histogram inter_token_seconds;
  Histogram queue_seconds;
  Histogram prompt_tokens_per_second;  // of prompts with computed tokens

  // `status` may be null while loading.
  std::string text(const EngineStatus* status) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, uint64_t> requests_;
  std::map<std::string, uint64_t> stops_;
  std::atomic<uint64_t> parse_failures_ = 0;
};

}  // namespace hadal
