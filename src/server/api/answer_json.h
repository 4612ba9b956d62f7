// Parts of answers that chat completions and completions have in common, as
// JSON text.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "hadal/tokenizer.h"
#include "server/api/api_call.h"

namespace hadal {

// The sums over the choices of a request; their prompt counts once.
struct UsageSum {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t completion_tokens = 0;
  int64_t reasoning_tokens = 0;

  // `new_prompt`: the first choice of a prompt.
  void add(const ChoiceEnd& end, bool new_prompt);
};

// {"prompt_tokens":..., ...} with cached and reasoning tokens in the spellings
// of OpenAI and of DeepSeek.
std::string usage_json(const UsageSum& usage);

// llama-server's member: {"cache_n","prompt_n","prompt_ms",
// "prompt_per_second","predicted_n","predicted_ms","predicted_per_second"} and
// ours "queue_ms".
std::string timings_json(const ChoiceEnd& end);
std::string timings_json(int64_t generated_tokens, double generate_seconds);

// OpenAI's list for `logprobs.content`: token, logprob, bytes, top_logprobs.
// Token texts are bytes with U+FFFD for fragments of characters. Not a number
// becomes -9999, as in OpenAI's API.
std::string logprobs_json(
    std::span<const TokenInfo> tokens, const Tokenizer& tokenizer);

std::string number_json(float logprob);
// [1,2,3]
std::string ids_json(std::span<const TokenInfo> tokens);

}  // namespace hadal
