// The messages of a request, one by one: roles, content in its many shapes,
// tool calls and their results (spec/text.md 2.13).
#pragma once

#include <string>
#include <vector>

#include "text/chat_message.h"
#include "text/chat_request.h"

namespace hadal {

// A message with what only the request level needs to know.
struct RequestMessage {
  ChatMessage message;
  bool prefix = false;  // the client asked to continue it
};

// Reads request["messages"]. Throws RequestError.
std::vector<RequestMessage> read_messages(
    const JsonValue& request,
    const RequestOptions& options,
    std::vector<std::string>& warnings);

}  // namespace hadal
