// The encoder's test vectors as messages and options. The vectors hold messages
// in the form of the official encoder, which is stricter and in places other
// than a client's request (chat_request.h).
#pragma once

#include <string>
#include <vector>

#include "text/prompt_encoder.h"
#include "text/test_files.h"

namespace hadal {

inline std::string string_or(const JsonValue* value, std::string fallback) {
  return value != nullptr && value->is_string() ? value->as_string()
                                                : std::move(fallback);
}

// The official block renderer: text parts joined, other parts named.
inline std::string vector_content(const JsonValue* content) {
  if (content == nullptr || !content->is_array())
    return string_or(content, "");
  std::string text;
  for (const JsonValue& part : content->items()) {
    if (!text.empty())
      text += "\n\n";
    const std::string& type = at(part, "type").as_string();
    text += type == "text" ? at(part, "text").as_string()
                           : "[Unsupported " + type + "]";
  }
  return text;
}

inline ChatMessage vector_message(const JsonValue& source, size_t index) {
  ChatMessage message;
  message.role_name = at(source, "role").as_string();
  message.role = chat_role(message.role_name);
  message.index = index;
  message.content = vector_content(source.find("content"));
  message.reasoning = string_or(source.find("reasoning_content"), "");
  message.tool_call_id = string_or(source.find("tool_call_id"), "");
  if (const JsonValue* task = source.find("task"))
    message.task = task->as_string();
  if (const JsonValue* open = source.find("wo_eos"))
    message.end = open->as_boolean() ? TurnEnd::open : TurnEnd::closed;
  if (const JsonValue* tools = source.find("tools"))
    for (const JsonValue& tool : tools->items())
      message.tools.push_back(at(tool, "function"));
  if (const JsonValue* schema = source.find("response_format"))
    message.answer_format = {AnswerFormat::Kind::schema, *schema};
  if (const JsonValue* calls = source.find("tool_calls")) {
    for (const JsonValue& call : calls->items()) {
      const JsonValue& function = at(call, "function");
      message.tool_calls.push_back(
          {string_or(call.find("id"), ""),
           at(function, "name").as_string(),
           at(function, "arguments")});
    }
  }
  return message;
}

inline std::vector<ChatMessage> vector_messages(const JsonValue& list) {
  std::vector<ChatMessage> messages;
  for (const JsonValue& source : list.items())
    messages.push_back(vector_message(source, messages.size()));
  return messages;
}

struct OfficialCase {
  std::string name;
  std::vector<ChatMessage> messages;
  EncodeOptions options;
  std::string expected;
};

// The four official prompts. The first has its tools beside the messages, the
// last is in chat mode.
inline std::vector<OfficialCase> official_cases() {
  std::vector<OfficialCase> cases;
  for (int number = 1; number <= 4; ++number) {
    std::string suffix = std::to_string(number);
    OfficialCase one;
    one.name = "official_" + suffix;
    JsonValue input =
        read_test_json("encoding/official_input_" + suffix + ".json");
    const JsonValue& list = input.is_array() ? input : at(input, "messages");
    one.messages = vector_messages(list);
    if (const JsonValue* tools = input.find("tools"))
      for (const JsonValue& tool : tools->items())
        one.messages[0].tools.push_back(at(tool, "function"));
    one.options.thinking = number != 4;
    one.expected =
        read_test_file("encoding/official_output_" + suffix + ".txt");
    cases.push_back(std::move(one));
  }
  return cases;
}

struct GeneratedCase {
  ModelRevision revision = ModelRevision::v4;
  std::vector<ChatMessage> messages;
  std::vector<ChatMessage> context;
  EncodeOptions base;

  // The context lives in this object, so the options are made at use.
  EncodeOptions options() const {
    EncodeOptions options = base;
    options.context = context;
    return options;
  }
};

inline GeneratedCase generated_case(const JsonValue& source) {
  GeneratedCase one;
  one.messages = vector_messages(at(source, "messages"));
  one.revision = revision_from_name(at(source, "revision").as_string()).value();
  one.base.revision = one.revision;
  const JsonValue& args = at(source, "args");
  one.base.thinking = at(args, "thinking_mode").as_string() == "thinking";
  const JsonValue& effort = at(args, "reasoning_effort");
  if (effort.is_string())
    one.base.effort = effort.as_string();
  if (const JsonValue* bos = args.find("add_default_bos_token"))
    one.base.add_bos = bos->as_boolean();
  if (const JsonValue* drop = args.find("drop_thinking"))
    one.base.drop_thinking = drop->as_boolean();
  if (const JsonValue* context = args.find("context"))
    one.context = vector_messages(*context);
  return one;
}

}  // namespace hadal
