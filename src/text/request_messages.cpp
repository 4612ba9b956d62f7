// Reading messages.
#include "text/request_messages.h"

#include <fmt/format.h>

#include <array>
#include <string_view>

#include "text/prompt_encoder.h"
#include "text/prompt_format.h"
#include "text/request_fields.h"

namespace hadal {
namespace {

bool is_one_of(
    std::string_view word, std::initializer_list<std::string_view> words) {
  for (std::string_view known : words)
    if (known == word)
      return true;
  return false;
}

std::string read_part(
    const JsonValue& part, const std::string& path, OtherParts other) {
  if (part.is_string())
    return part.as_string();
  if (!part.is_object())
    refuse_type(path, "a content part", part);
  std::optional<std::string> type = string_field(part, path, "type");
  if (!type)
    refuse(member_path(path, "type"), "a content part must have a type");
  bool is_text = is_one_of(*type, {"text", "input_text", "output_text"});
  if (is_text || *type == "refusal") {
    std::string_view key = is_text ? "text" : "refusal";
    std::optional<std::string> text = string_field(part, path, key);
    if (!text)
      refuse(
          member_path(path, key),
          fmt::format("a part of type '{}' must have it", *type));
    return *text;
  }
  if (other == OtherParts::name)
    return fmt::format("[Unsupported {}]", *type);
  if (is_one_of(*type, {"image", "image_url", "input_image"}))
    refuse(
        member_path(path, "type"),
        fmt::format(
            "this model reads text only; part of type '{}' found", *type));
  refuse(
      member_path(path, "type"),
      fmt::format("expected 'text' or 'refusal', found '{}'", *type));
}

void check_size(
    const std::string& path,
    const std::string& text,
    const RequestOptions& options) {
  if (text.size() > options.max_message_bytes)
    refuse(
        path,
        fmt::format(
            "{} bytes are more than the limit of {}",
            text.size(),
            options.max_message_bytes));
}

class MessageReader {
 public:
  MessageReader(
      const RequestOptions& options, std::vector<std::string>& warnings)
      : options_(options), warnings_(warnings) {}

  RequestMessage read(const JsonValue& source, size_t index) {
    path_ = item_path("messages", index);
    if (!source.is_object())
      refuse_type(path_, "a message object", source);
    RequestMessage read;
    ChatMessage& message = read.message;
    message.index = index;
    read_role(source, message);
    bool is_result = message.role == ChatRole::tool;
    if (const JsonValue* content = field(source, "content"))
      message.content = read_content(
          *content,
          member_path(path_, "content"),
          is_result ? OtherParts::name : OtherParts::refuse,
          options_);
    read.prefix = bool_field(source, path_, "prefix").value_or(false) ||
                  bool_field(source, path_, "wo_eos").value_or(false);
    if (message.role == ChatRole::assistant)
      read_assistant(source, message);
    else if (read.prefix)
      refuse(
          member_path(path_, "prefix"),
          "only an assistant message can be continued");
    if (message.role == ChatRole::tool)
      read_tool_result(source, message);
    if (message.role == ChatRole::user)
      read_task(source, message);
    if (field(source, "tools") != nullptr)
      warnings_.push_back(fmt::format(
          "{}.tools was ignored; tools belong to the request", path_));
    return read;
  }

 private:
  struct OpenCall {
    std::string id;
    std::string name;
  };

  void read_role(const JsonValue& source, ChatMessage& message) {
    std::optional<std::string> role = string_field(source, path_, "role");
    if (!role)
      refuse(member_path(path_, "role"), "a message must have a role");
    message.role_name = *role;
    message.role = *role == "function" ? ChatRole::tool : chat_role(*role);
    if (message.role == ChatRole::other)
      refuse(
          member_path(path_, "role"),
          fmt::format(
              "unknown role '{}'; expected system, developer, user, "
              "assistant, tool or latest_reminder",
              *role));
  }

  void read_assistant(const JsonValue& source, ChatMessage& message) {
    for (std::string_view key : {"reasoning_content", "reasoning"}) {
      std::optional<std::string> text = string_field(source, path_, key);
      if (text && message.reasoning.empty())
        message.reasoning = *text;
    }
    check_size(
        member_path(path_, "reasoning_content"), message.reasoning, options_);
    if (message.reasoning.empty())
      split_reasoning(message);
    open_calls_.clear();
    if (const JsonValue* calls = array_field(source, path_, "tool_calls"))
      for (size_t i = 0; i < calls->items().size(); ++i)
        read_call(
            calls->items()[i],
            item_path(member_path(path_, "tool_calls"), i),
            message);
    if (const JsonValue* call = object_field(source, path_, "function_call"))
      add_call(
          fmt::format("function_call_{}", message.index),
          *call,
          member_path(path_, "function_call"),
          message);
  }

  // Some clients send both parts merged: "<think>r</think>a".
  static void split_reasoning(ChatMessage& message) {
    std::string_view text = message.content;
    size_t start = text.find_first_not_of(" \n");
    if (start == std::string_view::npos ||
        !text.substr(start).starts_with(kThinkOpen))
      return;
    start += kThinkOpen.size();
    size_t end = text.find(kThinkClose, start);
    if (end == std::string_view::npos)
      return;
    std::string_view reasoning = text.substr(start, end - start);
    std::string_view rest = text.substr(end + kThinkClose.size());
    reasoning.remove_prefix(
        std::min(reasoning.find_first_not_of('\n'), reasoning.size()));
    reasoning.remove_suffix(
        reasoning.size() - (reasoning.find_last_not_of('\n') + 1));
    rest.remove_prefix(std::min(rest.find_first_not_of('\n'), rest.size()));
    message.reasoning = std::string(reasoning);
    message.content = std::string(rest);
  }

  void read_call(
      const JsonValue& source, const std::string& path, ChatMessage& message) {
    if (!source.is_object())
      refuse_type(path, "a tool call object", source);
    const JsonValue* function = object_field(source, path, "function");
    if (function == nullptr)
      refuse(
          member_path(path, "function"),
          "a tool call must have a function with name and arguments");
    add_call(
        string_field(source, path, "id").value_or(""),
        *function,
        member_path(path, "function"),
        message);
  }

  void add_call(
      std::string id,
      const JsonValue& function,
      const std::string& path,
      ChatMessage& message) {
    std::optional<std::string> name = string_field(function, path, "name");
    if (!name || name->empty())
      refuse(member_path(path, "name"), "a tool call must have a name");
    // Arguments are JSON text; some clients send the object itself.
    const JsonValue* arguments = field(function, "arguments");
    std::string text;
    if (arguments != nullptr)
      text = arguments->is_string() ? arguments->as_string()
                                    : print_json(*arguments);
    check_size(member_path(path, "arguments"), text, options_);
    open_calls_.push_back({id, *name});
    message.tool_calls.push_back(
        {std::move(id), std::move(*name), JsonValue::string(std::move(text))});
  }

  void read_tool_result(const JsonValue& source, ChatMessage& message) {
    message.tool_call_id =
        string_field(source, path_, "tool_call_id").value_or("");
    if (message.role_name == "function")
      message.tool_call_id =
          take_open_call(string_field(source, path_, "name").value_or(""));
  }

  // The id of the last call of that name that has no result yet.
  std::string take_open_call(std::string_view name) {
    for (size_t i = open_calls_.size(); i-- > 0;) {
      if (open_calls_[i].name == name) {
        std::string id = open_calls_[i].id;
        open_calls_.erase(open_calls_.begin() + static_cast<ptrdiff_t>(i));
        return id;
      }
    }
    return "";
  }

  void read_task(const JsonValue& source, ChatMessage& message) {
    message.task = string_field(source, path_, "task");
    if (message.task && !is_quick_task(*message.task))
      refuse(
          member_path(path_, "task"),
          fmt::format(
              "unknown task '{}'; expected one of {}",
              *message.task,
              quick_task_names()));
  }

  const RequestOptions& options_;
  std::vector<std::string>& warnings_;
  std::string path_;
  std::vector<OpenCall> open_calls_;
};

}  // namespace

std::string read_content(
    const JsonValue& content,
    const std::string& path,
    OtherParts other,
    const RequestOptions& options) {
  std::string text;
  if (content.is_string()) {
    text = content.as_string();
  } else if (content.is_array()) {
    for (size_t i = 0; i < content.items().size(); ++i) {
      text += i > 0 ? "\n\n" : "";
      text += read_part(content.items()[i], item_path(path, i), other);
    }
  } else {
    refuse_type(path, "a string, an array of parts or null", content);
  }
  check_size(path, text, options);
  return text;
}

const JsonValue& message_list(const JsonValue& request) {
  const JsonValue* list = array_field(request, "", "messages");
  if (list == nullptr || list->items().empty())
    refuse("messages", "a request must have at least one message");
  if (list->items().size() > kMaxMessages)
    refuse(
        "messages",
        fmt::format(
            "{} messages are more than the limit of {}",
            list->items().size(),
            kMaxMessages));
  return *list;
}

std::vector<RequestMessage> read_messages(
    const JsonValue& request,
    const RequestOptions& options,
    std::vector<std::string>& warnings) {
  const JsonValue& list = message_list(request);
  MessageReader reader(options, warnings);
  std::vector<RequestMessage> messages;
  for (const JsonValue& source : list.items())
    messages.push_back(reader.read(source, messages.size()));
  return messages;
}

}  // namespace hadal
