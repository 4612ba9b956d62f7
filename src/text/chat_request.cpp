// Putting a request together: system texts to the front, tools and format onto
// them, the last message continued or not.
#include "text/chat_request.h"

#include <fmt/format.h>

#include "text/request_fields.h"
#include "text/request_messages.h"
#include "text/request_thinking.h"
#include "text/request_tools.h"

namespace hadal {
namespace {

bool is_instruction(const ChatMessage& message) {
  return message.role == ChatRole::system ||
         message.role == ChatRole::developer;
}

void check_range(
    const JsonValue& source,
    std::string_view key,
    double low,
    double high,
    std::string_view text) {
  std::optional<double> value = number_field(source, "", key);
  if (value && !(*value >= low && *value <= high))
    refuse(
        std::string(key),
        fmt::format("expected a number {}, found {}", text, *value));
}

// The ranges of the official API.
void check_limits(const JsonValue& source, const RequestOptions& options) {
  constexpr double kAboveZero = 5e-324;
  check_range(source, "temperature", 0, 2, "from 0 to 2");
  check_range(source, "top_p", kAboveZero, 1, "above 0 and up to 1");
  check_range(source, "presence_penalty", -2, 2, "from -2 to 2");
  check_range(source, "frequency_penalty", -2, 2, "from -2 to 2");
  if (options.max_choices == 1)
    check_range(source, "n", 1, 1, "of 1 (one answer a request)");
  else
    check_range(
        source,
        "n",
        1,
        options.max_choices,
        fmt::format("from 1 to {}", options.max_choices));
}

void read_stop(const JsonValue& source, ChatRequest& request) {
  const JsonValue* stop = field(source, "stop");
  if (stop == nullptr)
    return;
  if (stop->is_string()) {
    request.stop = {stop->as_string()};
  } else if (stop->is_array()) {
    for (size_t i = 0; i < stop->items().size(); ++i) {
      if (!stop->items()[i].is_string())
        refuse_type(item_path("stop", i), "a string", stop->items()[i]);
      request.stop.push_back(stop->items()[i].as_string());
    }
  } else {
    refuse_type("stop", "a string or an array of strings", *stop);
  }
  if (request.stop.size() > kMaxStopStrings)
    refuse(
        "stop",
        fmt::format(
            "{} stop strings are more than the limit of {}",
            request.stop.size(),
            kMaxStopStrings));
  for (const std::string& text : request.stop)
    if (text.empty())
      refuse("stop", "a stop string must not be empty");
}

void check_prefixes(const std::vector<RequestMessage>& messages) {
  for (size_t i = 0; i + 1 < messages.size(); ++i)
    if (messages[i].prefix)
      refuse(
          member_path(item_path("messages", i), "prefix"),
          "only the last message can be continued");
}

// An assistant message at the end is the beginning of the answer, unless the
// client says that it is not.
void read_continuation(
    const JsonValue& source, bool prefix, ChatRequest& request) {
  std::optional<bool> wanted = bool_field(source, "", "continue_final_message");
  std::optional<bool> header = bool_field(source, "", "add_generation_prompt");
  bool ends_open = !request.messages.empty() &&
                   request.messages.back().role == ChatRole::assistant;
  if (wanted.value_or(false) && header.value_or(false))
    refuse(
        "continue_final_message",
        "it cannot be combined with add_generation_prompt");
  if (wanted.value_or(false) && !ends_open)
    refuse("continue_final_message", "the last message is not the assistant's");
  request.generation_header = header.value_or(true);
  if (!ends_open || !(prefix || wanted.value_or(true)))
    return;

  ChatMessage& last = request.messages.back();
  std::string path = item_path("messages", last.index);
  if (!last.tool_calls.empty())
    refuse(
        member_path(path, "tool_calls"),
        "the conversation ends with tool calls; add the tool messages that "
        "answer them");
  if (request.tool_choice == ToolChoice::required ||
      request.tool_choice == ToolChoice::named)
    refuse(
        "tool_choice",
        "a call cannot be forced while the last message is continued");
  bool inside_reasoning = request.thinking && last.content.empty();
  last.end = inside_reasoning ? TurnEnd::open_reasoning : TurnEnd::open;
  request.continues_last = true;
}

void read_extras(
    const JsonValue& source,
    const RequestOptions& options,
    ChatRequest& request) {
  std::optional<bool> preserve = bool_field(source, "", "preserve_thinking");
  if (const JsonValue* arguments =
          object_field(source, "", "chat_template_kwargs")) {
    std::optional<bool> inner =
        bool_field(*arguments, "chat_template_kwargs", "preserve_thinking");
    preserve = preserve ? preserve : inner;
  }
  request.preserve_thinking = preserve.value_or(options.preserve_thinking);
  request.special_in_content = bool_field(source, "", "special_in_content")
                                   .value_or(options.special_in_content);
}

ChatRequest read_request(
    const JsonValue& source, const RequestOptions& options) {
  if (!source.is_object())
    refuse_type("", "a request object", source);
  ChatRequest request;
  check_limits(source, options);
  read_stop(source, request);
  read_thinking(source, options, request);
  read_tools(source, request);
  read_answer_format(source, request);
  read_extras(source, options, request);
  std::vector<RequestMessage> messages =
      read_messages(source, options, request.warnings);
  check_prefixes(messages);
  bool prefix = messages.back().prefix;
  gather_instructions(std::move(messages), options, request);
  unwrap_arguments(request.messages, request.tools);
  read_continuation(source, prefix, request);
  return request;
}

}  // namespace

// Developer messages are how newer clients spell system messages.
void gather_instructions(
    std::vector<RequestMessage> messages,
    const RequestOptions& options,
    ChatRequest& request) {
  ChatMessage system;
  system.role = ChatRole::system;
  system.role_name = "system";
  std::vector<ChatMessage> turns;
  for (RequestMessage& read : messages) {
    ChatMessage& message = read.message;
    if (!is_instruction(message)) {
      turns.push_back(std::move(message));
      continue;
    }
    if (message.content.empty())
      continue;
    bool late = !turns.empty();
    if (late && options.late_system == RequestOptions::LateSystem::user) {
      message.role = ChatRole::user;
      turns.push_back(std::move(message));
      continue;
    }
    if (!system.content.empty())
      system.content += "\n\n";
    system.content += message.content;
  }
  system.tools = request.tools;
  system.answer_format = request.answer_format;
  if (!system.content.empty() || !system.tools.empty() ||
      system.answer_format.kind != AnswerFormat::Kind::any)
    request.messages.push_back(std::move(system));
  for (ChatMessage& message : turns)
    request.messages.push_back(std::move(message));
}

Result<ChatRequest> read_chat_request(
    const JsonValue& request, const RequestOptions& options) {
  try {
    return read_request(request, options);
  } catch (RequestError& error) {
    return std::move(error.failure);
  }
}

}  // namespace hadal
