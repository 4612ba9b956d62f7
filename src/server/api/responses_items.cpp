// One function a kind of item, and the rules that join them.
#include "server/api/responses_items.h"

#include <fmt/format.h>

#include <utility>

#include "server/api/responses_parts.h"
#include "server/api/responses_tools.h"
#include "text/request_fields.h"

namespace hadal {

void ResponseItemReader::add_instructions(const std::string& text) {
  append(ChatRole::system, "system", text);
}

void ResponseItemReader::add(
    const JsonValue& item, const std::string& path, size_t index) {
  if (!item.is_object())
    refuse_type(path, "an item object", item);
  index_ = index;
  auto type = string_field(item, path, "type");
  // Messages may leave it out.
  if (!type && field(item, "role") == nullptr)
    refuse(member_path(path, "type"), "an item must have a type");
  add_typed(item, type.value_or("message"), path);
}

void ResponseItemReader::add_typed(
    const JsonValue& item, const std::string& type, const std::string& path) {
  bool incomplete = string_field(item, path, "status") == "incomplete";
  if (type == "message") {
    add_message(item, path);
  } else if (type == "reasoning") {
    add_reasoning(item, path);
  } else if (type == "item_reference") {
    add_reference(item, path);
    return;
  } else if (type.ends_with("_output")) {
    add_output(item, path);
  } else if (type.ends_with("_call")) {
    if (incomplete) {
      warnings_.push_back(
          fmt::format("{} was left out; the call is incomplete", path));
      return;
    }
    if (type == "function_call")
      add_function_call(item, path);
    else if (type == "custom_tool_call")
      add_custom_call(item, path);
    else
      add_hosted_call(item, type, path);
  } else {
    warnings_.push_back(
        fmt::format("{} of type '{}' was left out", path, type));
    return;
  }
  ends_incomplete_ = incomplete;
}

void ResponseItemReader::add_message(
    const JsonValue& item, const std::string& path) {
  auto name = string_field(item, path, "role");
  if (!name)
    refuse(member_path(path, "role"), "a message must have a role");
  ChatRole role = chat_role(*name);
  if (role != ChatRole::user && role != ChatRole::assistant &&
      role != ChatRole::system && role != ChatRole::developer)
    refuse(
        member_path(path, "role"),
        fmt::format(
            "unknown role '{}'; expected user, assistant, system or developer",
            *name));
  std::string content;
  if (const JsonValue* source = field(item, "content"))
    content = read_content(
        *source, member_path(path, "content"), OtherParts::refuse, options_);
  if (role != ChatRole::assistant)
    flush_reasoning();
  append(role, *name, std::move(content));
}

void ResponseItemReader::add_reasoning(
    const JsonValue& item, const std::string& path) {
  has_reasoning_ = true;
  std::string text = reasoning_text(item, path);
  if (!reasoning_.empty() && !text.empty())
    reasoning_ += "\n\n";
  reasoning_ += text;
}

void ResponseItemReader::add_function_call(
    const JsonValue& item, const std::string& path) {
  auto name = string_field(item, path, "name");
  if (!name || name->empty())
    refuse(member_path(path, "name"), "a call must have a name");
  std::string full = string_field(item, path, "namespace").value_or("") + *name;
  append_call(
      call_id(item, path), std::move(full), call_arguments(item, "arguments"));
}

void ResponseItemReader::add_custom_call(
    const JsonValue& item, const std::string& path) {
  auto name = string_field(item, path, "name");
  if (!name || name->empty())
    refuse(member_path(path, "name"), "a call must have a name");
  JsonValue arguments = JsonValue::object({});
  arguments.set(
      kCustomInput,
      JsonValue::string(string_field(item, path, kCustomInput).value_or("")));
  std::string full = string_field(item, path, "namespace").value_or("") + *name;
  append_call(
      call_id(item, path),
      std::move(full),
      JsonValue::string(print_json(arguments)));
}

void ResponseItemReader::add_hosted_call(
    const JsonValue& item, const std::string& type, const std::string& path) {
  std::string name =
      string_field(item, path, "name")
          .value_or(type.substr(0, type.size() - std::string("_call").size()));
  std::string id = call_id(item, path);
  append_call(id, std::move(name), hosted_arguments(item));
  // Servers of MCP tools put the result into the call itself.
  if (type != "mcp_call" || field(item, "output") == nullptr)
    return;
  append(ChatRole::tool, "tool", output_text(item, path, options_));
  messages_.back().message.tool_call_id = std::move(id);
}

void ResponseItemReader::add_output(
    const JsonValue& item, const std::string& path) {
  flush_reasoning();
  append(ChatRole::tool, "tool", output_text(item, path, options_));
  messages_.back().message.tool_call_id = call_id(item, path);
}

void ResponseItemReader::add_reference(
    const JsonValue& item, const std::string& path) {
  std::string id = string_field(item, path, "id").value_or("");
  std::optional<JsonValue> known = store_.find_item(id);
  if (!known)
    throw RequestError{
        {ErrorCode::not_found,
         fmt::format("no item with id '{}' is kept here", id),
         member_path(path, "id")}};
  std::string type =
      string_field(*known, path, "type").value_or("item_reference");
  if (type != "item_reference")
    add_typed(*known, type, path);
}

std::vector<RequestMessage> ResponseItemReader::take() {
  flush_reasoning();
  return std::move(messages_);
}

ChatMessage& ResponseItemReader::open_turn() {
  bool joins = reasoning_.empty() && !messages_.empty() &&
               messages_.back().message.role == ChatRole::assistant;
  if (!joins)
    append(ChatRole::assistant, "assistant", "");
  return messages_.back().message;
}

void ResponseItemReader::append_call(
    std::string id, std::string name, JsonValue arguments) {
  open_turn().tool_calls.push_back(
      {std::move(id), std::move(name), std::move(arguments)});
}

void ResponseItemReader::append(
    ChatRole role, std::string role_name, std::string content) {
  ChatMessage message;
  message.role = role;
  message.role_name = std::move(role_name);
  message.index = index_;
  message.content = std::move(content);
  if (role == ChatRole::assistant)
    message.reasoning = std::exchange(reasoning_, {});
  messages_.push_back({std::move(message), false});
}

void ResponseItemReader::flush_reasoning() {
  if (!reasoning_.empty())
    append(ChatRole::assistant, "assistant", "");
}

}  // namespace hadal
