// A chat message as the prompt encoder takes it: the fields of spec/text.md
// 2.1, after the request's many spellings have been read.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "hadal/spans.h"
#include "text/json_value.h"

namespace hadal {

enum class ChatRole {
  system,
  developer,  // the internal search agent of the model's makers
  user,
  assistant,
  tool,
  latest_reminder,
  other,  // kept by name, so that the encoder can refuse it
};

struct ChatToolCall {
  std::string id;  // may be empty
  std::string name;
  // A string of JSON text, as the OpenAI API sends it. Anything else is printed
  // as one parameter `arguments`, as the official encoder does.
  JsonValue arguments = JsonValue::string("");
};

// A part of a merged user turn.
struct ContentBlock {
  enum class Kind { text, tool_result };
  Kind kind = Kind::text;
  std::string text;
  std::string tool_call_id;  // of a tool result; may be empty
};

// What a system or developer message demands of the answer's form.
struct AnswerFormat {
  enum class Kind {
    any,
    json_object,  // the official library's instruction
    schema,       // the format section with `schema`
  };
  Kind kind = Kind::any;
  JsonValue schema;
};

// How a rendered assistant message ends.
enum class TurnEnd {
  closed,          // with the end-of-sentence token
  open,            // without it: the answer is continued
  open_reasoning,  // without </think>: the reasoning is continued (ours)
};

struct ChatMessage {
  ChatRole role = ChatRole::user;
  std::string role_name;  // as sent; for messages to the user
  // Place in the request, for messages to the user.
  size_t index = 0;

  std::string content;
  std::vector<ContentBlock> blocks;  // user only, made by the merge step
  std::vector<JsonValue> tools;      // "function" objects; system, developer
  AnswerFormat answer_format;        // system, developer
  std::string reasoning;             // assistant
  std::vector<ChatToolCall> tool_calls;  // assistant
  std::string tool_call_id;              // tool
  std::optional<std::string> task;       // user: a quick instruction
  TurnEnd end = TurnEnd::closed;         // assistant

  // A turn that this program generated, as the model wrote it: printed in place
  // of what the fields above would become, so that its tokens stay the same.
  // Empty: unknown. The reasoning without </think>, and only where the
  // reasoning is printed at all; content and calls without the end of sentence.
  Spans raw_reasoning;
  Spans raw_answer;
};

// "system", ...; `other` for any unknown name.
ChatRole chat_role(std::string_view name);

}  // namespace hadal
