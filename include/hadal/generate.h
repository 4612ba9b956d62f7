// The decode loop: a prompt in, tokens out one by one.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hadal/sampling.h"
#include "hadal/session.h"
#include "hadal/tokenizer.h"

namespace hadal {

struct GenerateOptions {
  SamplingOptions sampling;
  StopOptions stop;
  std::function<void(int64_t done, int64_t total)> on_prompt_progress;
};

enum class Continue { yes, no };

// One generated token. `text` holds the whole characters that are ready to be
// shown after it (stop strings are held back), not always the token's own
// bytes.
struct Step {
  int32_t token = 0;
  std::string_view text;
  float logprob = 0;  // natural log in the raw distribution
  std::span<const std::pair<int32_t, float>> top_logprobs;
};

enum class FinishReason {
  stop,       // an end token or a stop string
  length,     // max_tokens or the context
  cancelled,  // the callback or the stop token
};
std::string_view name(FinishReason reason);

struct Summary {
  FinishReason finish_reason = FinishReason::stop;
  int32_t stop_token = -1;  // the end token, when one ended it
  // Text behind the last step: held back for a stop string that did not come,
  // or a character that stayed unfinished (U+FFFD).
  std::string rest;
  int64_t prompt_tokens = 0;
  int64_t reused_tokens = 0;     // of the prompt, taken from the session
  int64_t generated_tokens = 0;  // an end token counts
  double prompt_seconds = 0;
  double generate_seconds = 0;
};

// Continues `prompt` (the whole conversation; the session reuses what it shares
// with its past). Every generated token is fed to the session but the last. An
// end token is not reported as a step. Throws Error as Session::advance_to
// does.
Summary generate(
    Session& session,
    const Tokenizer& tokenizer,
    std::span<const int32_t> prompt,
    const GenerateOptions& options,
    const std::function<Continue(const Step&)>& on_step,
    std::stop_token stop = {});

}  // namespace hadal
