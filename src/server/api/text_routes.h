// Text to tokens and back, without the model: /tokenize, /detokenize,
// /apply-template. The field names of llama-server and of vLLM are both read.
#pragma once

#include <string>

#include "server/api/api_error.h"
#include "server/api/served_model.h"
#include "text/json_value.h"

namespace hadal {

// {"content" | "prompt": TEXT, or "messages": [...] as in a chat request,
// "add_special" (BOS in front; off), "parse_special" (on), "with_pieces",
// "return_token_strs"} -> {"tokens":[...],"count":N,"max_model_len":N}. With
// pieces a token is {"id":N,"piece":TEXT or bytes}.
ApiResult<std::string> tokenize_json(
    const JsonValue& body, const ServedModel& served);

// {"tokens":[...]} -> {"content":TEXT,"prompt":TEXT}.
ApiResult<std::string> detokenize_json(
    const JsonValue& body, const ServedModel& served);

// A chat request -> {"prompt":TEXT,"count":N}: what would be read.
ApiResult<std::string> apply_template_json(
    const JsonValue& body, const ServedModel& served);

}  // namespace hadal
