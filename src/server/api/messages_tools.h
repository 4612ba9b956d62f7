// The tools of a Messages request, the choice among them, and the form of the
// answer.
#pragma once

#include <string>
#include <vector>

#include "text/chat_request.h"
#include "text/json_value.h"

namespace hadal {

// Sets tools, tool_choice and parallel_tool_calls; returns where each of the
// tools stands in the request. Tools that Anthropic's service runs, or defines
// without a schema, are left out with a warning. Throws RequestError.
std::vector<std::string> read_message_tools(
    const JsonValue& body, ChatRequest& request);

// output_config.format, or output_format: {"type":"json_schema","schema"}.
void read_message_format(const JsonValue& body, ChatRequest& request);

}  // namespace hadal
