// Many clients at once on a server of OpenAI's API, and what each of them saw.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "server/http/http_client.h"

namespace hadal::cli {

struct LoadOptions {
  HttpClientOptions server;
  std::string model;
  int clients = 1;        // requests at once
  int64_t requests = 16;  // in all
  int64_t prompt_tokens = 128;
  int64_t max_tokens = 64;  // of every answer; its end is asked to be ignored
  // All prompts begin alike but for their last words; else they differ from the
  // first word on, so that no server can reuse one.
  bool shared_prompt = false;
};

// Times in seconds since the load began.
struct RequestRecord {
  std::string error;  // empty: it succeeded
  double start = 0;
  double end = 0;
  // When pieces of the answer came: reasoning, content, tool calls. A piece is
  // a token on most servers, some send several at once.
  std::vector<double> pieces;
  // As the server counts; 0 when it does not say.
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t completion_tokens = 0;
};

struct LoadResult {
  std::vector<RequestRecord> requests;
  double seconds = 0;
};

// First one short request, to see that the server answers and how many tokens a
// word has: throws Error when it fails. Later failures are records.
// `done` is called after each request, by any thread, one call at a time.
LoadResult run_load(
    const LoadOptions& options,
    const std::function<void(int64_t requests)>& done,
    std::stop_token stop);

}  // namespace hadal::cli
