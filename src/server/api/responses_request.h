// A Responses request after reading, before it is rendered.
#pragma once

#include "server/api/prepare.h"
#include "server/api/response_store.h"
#include "server/api/responses_call.h"
#include "server/api/served_model.h"
#include "text/chat_request.h"
#include "text/json_value.h"

namespace hadal {

struct ResponsesRequest {
  ChatRequest chat;
  ResponseSettings settings;
};

// Reads messages, tools and settings; not the sampling. Throws RequestError
// with paths of the client's own request.
ResponsesRequest read_responses_request(
    const JsonValue& body,
    const ServedModel& served,
    const OwnResponses& store);

// The items of a request, which was read, as GET input_items gives them: each
// with an id, contents as lists of parts, references resolved.
JsonValue kept_items(
    const JsonValue& input,
    const ApiSources& sources,
    const OwnResponses& store);

// The members of the response object that repeat the request (`instructions`
// to `user`), as JSON; `level` is the effort in use.
std::string response_echo(
    const JsonValue& body,
    const SamplingOptions& sampling,
    std::string_view level);

}  // namespace hadal
