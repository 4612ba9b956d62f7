// What a client of the engine asks for, and what it hears of it. The engine
// deals in token ids alone: texts, tools and stop strings are the observer's.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "generation/token_constraint.h"
#include "hadal/error.h"
#include "hadal/generate.h"
#include "hadal/sampling.h"

namespace hadal {

// The request was taken up: it left the queue, and its prompt is being read.
struct EngineStart {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;  // of them, not computed again
  uint64_t seed = 0;          // in use, also when none was asked for
};

struct EngineToken {
  int32_t id = 0;
  bool in_reasoning = false;  // the end of the reasoning counts as reasoning
  bool is_end = false;        // an end token: no text of the answer
  float logprob = 0;          // natural log in the raw distribution
  std::span<const std::pair<int32_t, float>> top_logprobs;  // best first
};

enum class EngineFinish {
  end_token,
  length,     // max_tokens or the context
  observer,   // on_token returned Continue::no
  cancelled,  // cancel(), or the engine is stopping
  deadline,
  failed,  // see EngineEnd::error
};

struct EngineTimings {
  double queue_seconds = 0;
  double prompt_seconds = 0;  // of the tokens that were computed
  double generate_seconds = 0;
};

struct EngineEnd {
  EngineFinish finish = EngineFinish::end_token;
  int32_t end_token = -1;  // with EngineFinish::end_token
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t generated_tokens = 0;  // an end token counts
  int64_t reasoning_tokens = 0;
  EngineTimings timings;
  std::optional<Error> error;  // with EngineFinish::failed
};

// Called on the engine's thread, between steps of everybody's sequences: each
// call should take microseconds and must not block or throw. Order: on_start,
// on_prompt*, on_token*, on_end. on_end comes exactly once, last, also when
// nothing else came (cancelled in the queue).
class EngineObserver {
 public:
  virtual ~EngineObserver() = default;
  virtual void on_start(const EngineStart&) {}
  // Tokens of the prompt that are known by now, cached ones included.
  virtual void on_prompt(int64_t /*done*/, int64_t /*total*/) {}
  // Continue::no: the answer is complete with this token (a stop string, the
  // end of the tool calls).
  virtual Continue on_token(const EngineToken& token) = 0;
  virtual void on_end(const EngineEnd& end) = 0;
};

// How the reasoning of this request ends.
struct ReasoningRules {
  bool starts_inside = false;  // the prompt ends inside the reasoning
  int32_t end = -1;            // </think>
  // -1: no budget. When it is used up, `forced` is fed instead of sampling.
  int64_t max_tokens = -1;
  std::vector<int32_t> forced;  // the tokens of a newline and </think>
};

struct EngineRequest {
  std::vector<int32_t> prompt;  // not empty, ids below the vocabulary
  SamplingOptions sampling;
  int64_t max_tokens = -1;  // -1: until the context is full
  int64_t min_tokens = 0;   // end tokens before that are not sampled
  std::vector<int32_t> end_tokens;
  ReasoningRules reasoning;
  std::unique_ptr<TokenConstraint> constraint;  // may be null
  // Draw greedily where the constraint says that the text has one spelling.
  bool greedy_markup = true;

  // Lengths (0 < n < prompt.size()) at which other prompts are likely to
  // branch off, increasing: the end of the system text, before the thinking
  // tag. The engine adds its own.
  std::vector<int64_t> keep_at;
  bool use_cache = true;  // false: computed from nothing, and not remembered
  // Requests with one name share their turns with each other, so that a client
  // with many requests does not crowd out the rest.
  std::string client;
  std::optional<std::chrono::steady_clock::time_point> deadline;
  std::shared_ptr<EngineObserver> observer;
};

}  // namespace hadal
