// One request of one API family: what has to be generated for it, and how the
// answer is written. Knows neither sockets nor the engine.
//
// A reader (chat_completions.h, completions.h, responses.h, messages.h) makes
// an ApiCall from a POST's body. GenerationReply (generation_reply.h) submits
// its choices to the engine, parses the tokens and calls it, in this order:
//
//   begin                        accepted, still queued
//   started(choice)              left the queue, once a choice
//   update(choice, ...)          more of the answer, many times
//   end_choice(choice, ...)      once a choice; choices may be interleaved
//   finish | fail                once, last
//
// Each returns the bytes to send now; "" for none. An answer that is not
// streamed returns its whole body from `finish`.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/engine_request.h"
#include "hadal/chat.h"
#include "text/json_value.h"

namespace hadal {

// What the engine and the parser need for one choice.
struct ChoiceRequest {
  EngineRequest engine;  // its observer is set by GenerationReply
  // Tokens become events through ChatParser. Raw: text alone, all of it content
  // (completions); parser.stop applies.
  bool raw = false;
  ChatParserOptions parser;
  std::vector<JsonValue> tools;  // function objects offered, already read
  // Tell the writer of every token; without it only of those that have
  // log-probabilities.
  bool wants_tokens = false;
};

// A token for `logprobs`: those of reasoning and markup too.
struct TokenInfo {
  int32_t id = 0;
  std::string bytes;
  float logprob = 0;
  std::vector<std::pair<int32_t, float>> top_logprobs;
};

struct ChoiceEnd {
  ChatFinish finish = ChatFinish::stop;
  std::string stop_string;  // the one that was found, if any
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;
  int64_t generated_tokens = 0;
  int64_t reasoning_tokens = 0;
  bool inside_reasoning = false;  // it ended before </think>
  EngineTimings timings;
};

// What a client is told of a failure.
struct ApiError {
  int status = 400;
  std::string message;
  std::string param;  // the path of the field; may be empty
  std::string code;   // "context_length_exceeded", ...; may be empty
  // Further members of the error object: numbers of a context overflow.
  std::vector<std::pair<std::string, int64_t>> numbers;
  double retry_after_seconds = 0;  // > 0: a header says so
  std::string allow;               // of a 405, for its header
};

class ApiCall {
 public:
  virtual ~ApiCall() = default;

  // What to generate; filled by the reader, taken once.
  std::vector<ChoiceRequest> choices;

  virtual bool streams() const = 0;
  virtual std::string begin() { return {}; }
  virtual std::string started(size_t /*choice*/, const EngineStart&) {
    return {};
  }
  // More of the prompt is read; called for those that want it, and only while
  // no choice generates.
  virtual bool wants_progress() const { return false; }
  virtual std::string progress(int64_t /*done*/, int64_t /*total*/) {
    return {};
  }
  virtual std::string update(
      size_t choice,
      std::span<const ChatEvent> events,
      std::span<const TokenInfo> tokens) = 0;
  virtual std::string end_choice(size_t choice, const ChoiceEnd& end) = 0;
  virtual std::string finish() = 0;
  // The answer failed after begin(): the error event of a stream, without any
  // end mark; unused without streaming.
  virtual std::string fail(const ApiError& error) = 0;
  // Nothing was sent for some seconds; `done` of `total` prompt tokens are read
  // (0 of 0 in the queue).
  virtual std::string keep_alive(int64_t done, int64_t total) = 0;
};

}  // namespace hadal
