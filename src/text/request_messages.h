// The messages of a request, one by one: roles, content in its many shapes,
// tool calls and their results (spec/text.md 2.13). Other APIs spell messages
// in another way and share the pieces.
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

// What happens to a part of a content that is not text.
enum class OtherParts {
  refuse,
  name,  // "[Unsupported TYPE]"
};

// A content that stands at `path`: a string, or an array of parts whose texts
// are joined with an empty line between. Throws RequestError.
std::string read_content(
    const JsonValue& content,
    const std::string& path,
    OtherParts other,
    const RequestOptions& options);

// Gathers the system and developer messages into one in front, which carries
// the request's tools and answer format (both read before), and adds the rest
// in order to request.messages.
void gather_instructions(
    std::vector<RequestMessage> messages,
    const RequestOptions& options,
    ChatRequest& request);

// request["messages"]: an array of at least one message, and no more than
// kMaxMessages. Throws RequestError.
const JsonValue& message_list(const JsonValue& request);

// Reads request["messages"]. Throws RequestError.
std::vector<RequestMessage> read_messages(
    const JsonValue& request,
    const RequestOptions& options,
    std::vector<std::string>& warnings);

}  // namespace hadal
