// From a normalised chat request to what the engine and the parser need: the
// same for all API families.
//
//   ApiResult<PreparedChat> prepared = prepare_chat(request, fields, served);
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "server/api/api_call.h"
#include "server/api/api_error.h"
#include "server/api/served_model.h"
#include "server/service.h"
#include "text/chat_request.h"

namespace hadal {

// What a request asks for besides its messages.
struct GenerationFields {
  SamplingOptions sampling;
  int64_t max_tokens = -1;  // -1: the server's default
  int64_t min_tokens = 0;
  int64_t max_thinking_tokens = -1;  // -1: the server's default
  std::vector<int32_t> stop_token_ids;
  std::vector<std::string> bad_words;
  bool ignore_eos = false;
  int choices = 1;  // n
  bool use_cache = true;
  std::string client;
  // Ids of tool calls. Empty: "call_..." from the server's source.
  std::function<std::string()> make_call_id;
};

// The fields that the families share: temperature, top_p, top_k, min_p, the
// penalties, logit_bias, seed, stop_token_ids, min_tokens, bad_words,
// ignore_eos, cache_prompt, thinking_token_budget (max_thinking_tokens,
// thinking.budget_tokens). Not the maximum of tokens, n and log-probabilities:
// they are spelled differently. Throws RequestError.
GenerationFields read_generation_fields(
    const JsonValue& body, const HttpRequest& http, const ServedModel& served);

// A rendered prompt as token ids.
struct EncodedPrompt {
  std::string text;
  std::vector<int32_t> ids;
  ChatParserOptions parser;
  bool thinking = true;
  std::string level;
};

// Renders and encodes, with the replay store's texts. What count_tokens and
// apply-template need.
ApiResult<EncodedPrompt> encode_chat_request(
    ChatRequest request, const ServedModel& served);

struct PreparedChat {
  std::vector<ChoiceRequest> choices;  // `fields.choices` of them, one prompt
  int64_t prompt_tokens = 0;
  bool thinking = true;
  std::string level;  // "high", ...; "none" when thinking is off
};

// Fails for what the encoder refuses, a prompt that leaves no room in the
// context (context_length_exceeded), schemas that cannot be honoured. A
// max_tokens beyond the context is reduced.
ApiResult<PreparedChat> prepare_chat(
    ChatRequest request,
    const GenerationFields& fields,
    const ServedModel& served);

// A raw prompt: no parser but for stop strings.
ApiResult<std::vector<ChoiceRequest>> prepare_raw(
    std::vector<int32_t> prompt,
    std::vector<std::string> stop,
    const GenerationFields& fields,
    const ServedModel& served);

// The error of a prompt that does not fit, with n_prompt_tokens and n_ctx;
// nothing when it does.
std::optional<ApiError> check_context(
    int64_t prompt_tokens, const ServedModel& served, std::string param);

}  // namespace hadal
