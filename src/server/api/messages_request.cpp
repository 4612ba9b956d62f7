// Reading the fields of a Messages request.
#include "server/api/messages_request.h"

#include <fmt/format.h>

#include "server/api/json_body.h"
#include "server/api/messages_blocks.h"
#include "server/api/messages_texts.h"
#include "server/api/messages_tools.h"
#include "text/request_fields.h"
#include "text/request_thinking.h"
#include "text/request_tools.h"
#include "text/text_limits.h"

namespace hadal {
namespace {

void read_stop(const JsonValue& body, ChatRequest& chat) {
  const std::string key = "stop_sequences";
  if (array_field(body, "", key) == nullptr)
    return;
  chat.stop = strings_field(body, "", key);
  if (chat.stop.size() > kMaxStopStrings)
    refuse(
        key,
        fmt::format(
            "{} stop sequences are more than the limit of {}",
            chat.stop.size(),
            kMaxStopStrings));
  for (size_t i = 0; i < chat.stop.size(); ++i)
    if (chat.stop[i].empty())
      refuse(item_path(key, i), "a stop sequence must not be empty");
}

bool hides_thinking(const JsonValue& body) {
  const JsonValue* thinking = field(body, "thinking");
  return thinking != nullptr && thinking->is_object() &&
         string_field(*thinking, "thinking", "display") == "omitted";
}

// A message of the assistant at the end is the beginning of the answer.
void read_prefill(ChatRequest& chat) {
  if (chat.messages.empty())
    refuse("messages", "a request must have at least one message");
  ChatMessage& last = chat.messages.back();
  if (last.role != ChatRole::assistant)
    return;
  std::string path = item_path("messages", last.index);
  if (!last.tool_calls.empty())
    refuse(
        path,
        "the conversation ends with tool_use; add the user's message with the "
        "tool_result");
  if (chat.tool_choice == ToolChoice::required ||
      chat.tool_choice == ToolChoice::named)
    refuse(
        "tool_choice",
        "a call cannot be forced while the last message is continued");
  bool inside_thinking = chat.thinking && last.content.empty();
  last.end = inside_thinking ? TurnEnd::open_reasoning : TurnEnd::open;
  chat.continues_last = true;
}

}  // namespace

MessagesRequest read_messages_request(
    const JsonValue& body, const ServedModel& served) {
  RequestOptions options = served.request;
  options.late_system = RequestOptions::LateSystem::user;
  MessagesRequest request;
  ChatRequest& chat = request.chat;
  request.model = string_field(body, "", "model").value_or(served.name);
  request.stream = bool_field(body, "", "stream").value_or(false);
  request.hide_thinking = hides_thinking(body);
  object_field(body, "", "metadata");
  read_thinking(body, options, chat);
  read_stop(body, chat);
  request.tool_paths = read_message_tools(body, chat);
  read_message_format(body, chat);
  chat.special_in_content = bool_field(body, "", "special_in_content")
                                .value_or(options.special_in_content);

  RequestMessage system;
  system.message.role = ChatRole::system;
  system.message.role_name = "system";
  system.message.content = read_system(body, served.strip_billing_header);
  BlockMessages read = read_block_messages(body, options, chat.warnings);
  read.messages.insert(read.messages.begin(), std::move(system));
  gather_instructions(std::move(read.messages), options, chat);
  unwrap_arguments(chat.messages, chat.tools);
  // Clients that send thinking back want it kept.
  chat.preserve_thinking =
      bool_field(body, "", "preserve_thinking")
          .value_or(options.preserve_thinking || read.has_thinking);
  read_prefill(chat);
  return request;
}

}  // namespace hadal
