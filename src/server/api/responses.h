// OpenAI's Responses API (spec/text.md 4.5): what Codex and newer SDKs speak.
//
// A request is a list of items (messages, reasoning, calls, outputs) that is
// read into the same ChatRequest as a chat completion; the answer is a list of
// items again, streamed as typed events. Answers are kept in a ResponseStore
// unless the request says "store": false, and only the API key that asked for
// one finds it again.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "server/api/api_call.h"
#include "server/api/api_error.h"
#include "server/api/response_store.h"
#include "server/api/served_model.h"
#include "server/service.h"
#include "text/json_value.h"

namespace hadal {

// POST /v1/responses. The error's `param` is the path in the client's own
// request ("input[3].content[0].type"). An unknown previous_response_id is 404.
// `served` must outlive the call.
ApiResult<std::unique_ptr<ApiCall>> read_responses(
    const JsonValue& body,
    const HttpRequest& http,
    const ServedModel& served,
    const OwnResponses& store);

// POST /v1/responses/input_tokens: {"object":"response.input_tokens",
// "input_tokens":N} of the same request.
ApiResult<std::string> count_response_tokens(
    const JsonValue& body,
    const ServedModel& served,
    const OwnResponses& store);

// Everything under /v1/responses/{id}. `tail` is what follows "/v1/responses/":
//   GET    {id}               the response
//   DELETE {id}               {"id","object":"response","deleted":true}
//   POST   {id}/cancel        400: only background responses can be cancelled,
//                             and there are none
//   GET    {id}/input_items   a list; query: limit, order, after
// 404 for an unknown id or tail, 405 for another method, which names those that
// are allowed.
ApiResult<std::string> stored_response_route(
    const HttpRequest& http, std::string_view tail, const OwnResponses& store);

}  // namespace hadal
