// How an answer of chat completions or completions is to be written.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/api/served_model.h"

namespace hadal {

struct AnswerOptions {
  std::string id;
  int64_t created = 0;
  std::string model;  // as asked for
  bool stream = false;
  bool include_usage = false;     // a last chunk with the usage
  bool continuous_usage = false;  // in every chunk, as vLLM does
  bool return_progress = false;   // chunks while the prompt is read
  bool return_tokens = false;     // the token ids
  bool timings_per_token = false;
  bool logprobs = false;
};

// model, stream, stream_options, return_progress, return_tokens
// (return_token_ids), timings_per_token; a new id with `prefix`. Throws
// RequestError.
AnswerOptions read_answer_options(
    const JsonValue& body, const ServedModel& served, std::string_view prefix);

// max_completion_tokens, else max_tokens; -1 when absent. Throws RequestError.
int64_t read_max_tokens(const JsonValue& body);
// n, from 1 to the server's limit.
int read_choices(const JsonValue& body, const ServedModel& served);

// {"id":...,"object":OBJECT,"created":...,"model":...,"system_fingerprint":...,
// the beginning of every answer and chunk, with the comma and without an end.
std::string answer_head(
    const AnswerOptions& options,
    const ServedModel& served,
    std::string_view object);

}  // namespace hadal
