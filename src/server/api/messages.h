// Anthropic's Messages API (spec/text.md 4.6): what Claude Code speaks.
#pragma once

#include <memory>
#include <string>

#include "server/api/api_call.h"
#include "server/api/api_error.h"
#include "server/api/served_model.h"
#include "server/service.h"
#include "text/json_value.h"

namespace hadal {

// POST /v1/messages. The error's `param` is the path of the field
// ("messages[1].content[0].type"). `served` must outlive the call.
ApiResult<std::unique_ptr<ApiCall>> read_messages(
    const JsonValue& body, const HttpRequest& http, const ServedModel& served);

// POST /v1/messages/count_tokens: {"input_tokens":N} of the whole rendered
// prompt. max_tokens is not needed.
ApiResult<std::string> count_message_tokens(
    const JsonValue& body, const ServedModel& served);

}  // namespace hadal
