// A chat request as a client would POST it to /v1/chat/completions, read into
// what the encoder and the output parser need. Clients differ in many ways; the
// rules, row by row, are spec/text.md 2.13, the thinking table of 2.4, and the
// column "ours" of 2.18. Fields that do not shape the prompt (sampling, stream)
// are left to the server, but for the ranges that the official API checks.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hadal/chat.h"
#include "hadal/result.h"
#include "text/chat_message.h"
#include "text/json_value.h"
#include "text/text_limits.h"

namespace hadal {

// What the program decides, not the client.
struct RequestOptions {
  ModelRevision revision = ModelRevision::v4;
  // Where system and developer messages behind the first turn go: to the front
  // (chat completions), or into the user's text (responses).
  enum class LateSystem { front, user };
  LateSystem late_system = LateSystem::front;
  bool preserve_thinking = false;   // default when the request says nothing
  bool special_in_content = false;  // likewise
  bool escape_tool_results = false;
  bool coerce_arguments = false;
  // Context of the served model, 0 when unknown: for a warning only.
  int64_t context_tokens = 0;
  size_t max_message_bytes = kMaxMessageBytes;
  int max_choices = 1;  // n
};

enum class ToolChoice { automatic, none, required, named };

struct ChatRequest {
  // Normalised: at most one system message, in front, which carries the tools
  // and the answer's format.
  std::vector<ChatMessage> messages;

  bool thinking = true;
  std::string level;        // as asked for: "high", "xhigh"; "none" when off
  std::string effort_word;  // the encoder's
  bool preserve_thinking = false;

  std::vector<JsonValue> tools;  // function objects that the model may call
  ToolChoice tool_choice = ToolChoice::automatic;
  bool parallel_tool_calls = true;

  // A schema is to be enforced after the reasoning by a grammar.
  AnswerFormat answer_format;
  std::vector<std::string> stop;

  bool continues_last = false;  // the last message is the answer's beginning
  bool generation_header = true;
  bool special_in_content = false;

  // For the log: what was ignored or looks like a mistake.
  std::vector<std::string> warnings;
};

// The Failure's field is the path of the culprit ("tools[0].function.name").
Result<ChatRequest> read_chat_request(
    const JsonValue& request, const RequestOptions& options = {});

}  // namespace hadal
