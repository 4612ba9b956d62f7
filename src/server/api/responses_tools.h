// The tools of a Responses request. The prompt and the output parser know
// functions only, so each tool becomes one under a name of its own, and the
// answer's calls are spelled back as the client knows them:
//
//   function   itself
//   custom     a function with one parameter, the text `input`
//   namespace  its functions and custom tools, named namespace + name
//   others     run by OpenAI's service: left out with a warning
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "text/chat_request.h"
#include "text/json_value.h"

namespace hadal {

// The one parameter of a custom tool's function.
inline constexpr std::string_view kCustomInput = "input";

// How the client knows a tool.
struct ResponseTool {
  std::string name;
  std::string name_space;  // empty: none
  bool custom = false;
  std::string path;  // where it stands in the request
};

struct ResponseTools {
  std::vector<JsonValue> functions;  // in order, as the prompt shows them
  // By the name in the prompt, of every function.
  std::map<std::string, ResponseTool, std::less<>> by_name;
};

// Adds the tools of one array at `path`. Throws RequestError.
void add_response_tools(
    const JsonValue& list,
    const std::string& path,
    ResponseTools& tools,
    std::vector<std::string>& warnings);

// Reads tool_choice and parallel_tool_calls, and sets these and the tools of
// `request`. With a choice among some tools the others are left out. Throws
// RequestError.
void read_response_choice(
    const JsonValue& body, const ResponseTools& tools, ChatRequest& request);

}  // namespace hadal
