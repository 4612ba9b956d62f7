// A Messages request after reading, before it is rendered.
#pragma once

#include <string>
#include <vector>

#include "server/api/served_model.h"
#include "text/chat_request.h"
#include "text/json_value.h"

namespace hadal {

struct MessagesRequest {
  ChatRequest chat;
  std::string model;
  bool stream = false;
  // thinking.display is "omitted": the client does not want to see it.
  bool hide_thinking = false;
  // Where each of the chat's tools stands in the request.
  std::vector<std::string> tool_paths;
};

// Reads all but sampling and max_tokens. Throws RequestError.
MessagesRequest read_messages_request(
    const JsonValue& body, const ServedModel& served);

}  // namespace hadal
