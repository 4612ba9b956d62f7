// The tools of a request, the choice among them, and the form of the answer
// (spec/text.md 2.13 and 2.18).
#pragma once

#include "text/chat_request.h"

namespace hadal {

// One tool of type function, wrapped or flat, that stands at `path` -> its
// function object with name and schema checked. Throws RequestError.
JsonValue read_tool(const JsonValue& tool, std::string path);

// One array of tools as OpenAI's API has it -> their function objects. Entries
// of other types are left out with a warning. Throws RequestError.
std::vector<JsonValue> read_tool_list(
    const JsonValue& list,
    std::string_view path,
    std::vector<std::string>& warnings);

// Sets tool_choice to the word that stands at `path`: auto, none or required.
// Throws RequestError.
void set_tool_choice(
    ChatRequest& request, std::string_view word, const std::string& path);

// Sets tools, tool_choice, parallel_tool_calls. With choice none there are no
// tools; with a named one there is only that.
void read_tools(const JsonValue& source, ChatRequest& request);

// Sets answer_format.
void read_answer_format(const JsonValue& source, ChatRequest& request);

// History that clients encode twice, {"arguments": "{...}"}, is unwrapped when
// the tool is known and has no such parameter.
void unwrap_arguments(
    std::vector<ChatMessage>& messages, const std::vector<JsonValue>& tools);

}  // namespace hadal
