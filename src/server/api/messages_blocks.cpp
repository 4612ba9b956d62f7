// One function a kind of block.
#include "server/api/messages_blocks.h"

#include <fmt/format.h>

#include "server/api/base64.h"
#include "server/api/messages_texts.h"
#include "text/request_fields.h"
#include "text/utf8.h"

namespace hadal {
namespace {

// What a tool's failure without any text becomes.
constexpr std::string_view kFailedResult = "Error";

// Server tools run inside Anthropic's service; their blocks are bookkeeping
// here.
bool is_server_block(std::string_view type) {
  return type == "redacted_thinking" || type == "server_tool_use" ||
         type == "mcp_tool_use" || type == "container_upload" ||
         type == "compaction" ||
         (type != "tool_result" && type.ends_with("_tool_result"));
}

class BlockReader {
 public:
  BlockReader(const RequestOptions& options, std::vector<std::string>& warnings)
      : options_(options), warnings_(warnings) {}

  void read(const JsonValue& source, size_t index) {
    index_ = index;
    std::string path = item_path("messages", index);
    if (!source.is_object())
      refuse_type(path, "a message object", source);
    std::string role = required_text(source, path, "role");
    if (role != "user" && role != "assistant" && role != "system")
      refuse(
          member_path(path, "role"),
          fmt::format(
              "unknown role '{}'; expected user, assistant or system", role));
    const JsonValue* content = field(source, "content");
    std::string at = member_path(path, "content");
    if (content == nullptr)
      refuse(at, "a message must have content");
    check_size(*content, at);
    if (role == "assistant")
      read_assistant(*content, at);
    else
      read_user(
          *content, at, role == "user" ? ChatRole::user : ChatRole::system);
  }

  BlockMessages take() { return std::move(read_); }

 private:
  ChatMessage& append(ChatRole role, std::string_view name) {
    ChatMessage message;
    message.role = role;
    message.role_name = std::string(name);
    message.index = index_;
    read_.messages.push_back({std::move(message), false});
    return read_.messages.back().message;
  }

  void check_size(const JsonValue& content, const std::string& path) {
    if (content.is_string() &&
        content.as_string().size() > options_.max_message_bytes)
      refuse(
          path,
          fmt::format(
              "{} bytes are more than the limit of {}",
              content.as_string().size(),
              options_.max_message_bytes));
  }

  static const JsonValue::Array& blocks_of(
      const JsonValue& content, const std::string& path) {
    if (!content.is_array())
      refuse_type(path, "a string or an array of blocks", content);
    return content.items();
  }

  void read_user(
      const JsonValue& content, const std::string& path, ChatRole role) {
    std::string_view name = role == ChatRole::user ? "user" : "system";
    if (content.is_string()) {
      append(role, name).content = content.as_string();
      return;
    }
    // The message that the next text joins; results of tools end it.
    ChatMessage* texts = nullptr;
    bool any = false;
    const JsonValue::Array& blocks = blocks_of(content, path);
    for (size_t i = 0; i < blocks.size(); ++i) {
      std::string at = item_path(path, i);
      std::string type = required_type(blocks[i], at);
      if (is_server_block(type)) {
        left_out(at, type);
        continue;
      }
      any = true;
      if (type == "tool_result") {
        read_result(blocks[i], at);
        texts = nullptr;
        continue;
      }
      std::string text = user_block(blocks[i], type, at);
      if (texts == nullptr)
        texts = &append(role, name);
      else
        texts->content += "\n\n";
      texts->content += text;
    }
    if (!any)
      append(role, name);
  }

  static std::string user_block(
      const JsonValue& block, const std::string& type, const std::string& at) {
    if (type == "image")
      refuse(
          member_path(at, "type"),
          "this model reads text only; block of type 'image' found");
    if (type != "text" && type != "document" && type != "search_result")
      refuse(
          member_path(at, "type"),
          fmt::format(
              "expected text, document, search_result or tool_result, found "
              "'{}'",
              type));
    return plain_block(block, type, at);
  }

  void read_result(const JsonValue& block, const std::string& path) {
    ChatMessage& message = append(ChatRole::tool, "tool");
    message.tool_call_id = required_text(block, path, "tool_use_id");
    std::string at = member_path(path, "content");
    if (const JsonValue* content = field(block, "content")) {
      check_size(*content, at);
      if (content->is_string())
        message.content = content->as_string();
      else if (content->is_array())
        message.content = blocks_text(*content, at);
      else
        refuse_type(at, "a string or an array of blocks", *content);
    }
    bool failed = bool_field(block, path, "is_error").value_or(false);
    if (failed && message.content.empty())
      message.content = kFailedResult;
  }

  void read_assistant(const JsonValue& content, const std::string& path) {
    ChatMessage& message = append(ChatRole::assistant, "assistant");
    if (content.is_string()) {
      message.content = content.as_string();
      return;
    }
    const JsonValue::Array& blocks = blocks_of(content, path);
    bool has_text = false;
    for (size_t i = 0; i < blocks.size(); ++i) {
      std::string at = item_path(path, i);
      std::string type = required_type(blocks[i], at);
      if (type == "thinking") {
        append_text(message.reasoning, thinking_text(blocks[i], at));
        read_.has_thinking = true;
      } else if (type == "text") {
        std::string text = required_text(blocks[i], at, "text");
        // The empty block that follows thinking alone is not the client's.
        if (has_text && !text.empty())
          message.content += "\n\n";
        has_text = has_text || !text.empty();
        message.content += text;
      } else if (type == "tool_use") {
        read_call(blocks[i], at, message);
      } else if (is_server_block(type)) {
        left_out(at, type);
      } else {
        refuse(
            member_path(at, "type"),
            fmt::format(
                "expected text, thinking or tool_use, found '{}'", type));
      }
    }
  }

  static std::string thinking_text(
      const JsonValue& block, const std::string& path) {
    std::string text = string_field(block, path, "thinking").value_or("");
    std::string signature = string_field(block, path, "signature").value_or("");
    if (!text.empty() || !signature.starts_with(kHiddenThinking))
      return text;
    auto hidden = decode_base64(
        std::string_view(signature).substr(kHiddenThinking.size()));
    return hidden && is_valid_utf8(*hidden) ? *hidden : "";
  }

  static void read_call(
      const JsonValue& block, const std::string& path, ChatMessage& message) {
    ChatToolCall call;
    call.id = required_text(block, path, "id");
    call.name = required_text(block, path, "name");
    if (call.name.empty())
      refuse(member_path(path, "name"), "a tool must have a name");
    if (const JsonValue* input = object_field(block, path, "input"))
      call.arguments = JsonValue::string(print_json(*input));
    message.tool_calls.push_back(std::move(call));
  }

  void left_out(const std::string& path, const std::string& type) {
    if (type != "redacted_thinking")
      warnings_.push_back(
          fmt::format("{} of type '{}' was left out", path, type));
  }

  const RequestOptions& options_;
  std::vector<std::string>& warnings_;
  BlockMessages read_;
  size_t index_ = 0;
};

}  // namespace

BlockMessages read_block_messages(
    const JsonValue& body,
    const RequestOptions& options,
    std::vector<std::string>& warnings) {
  const JsonValue& list = message_list(body);
  BlockReader reader(options, warnings);
  for (size_t i = 0; i < list.items().size(); ++i)
    reader.read(list.items()[i], i);
  return reader.take();
}

}  // namespace hadal
