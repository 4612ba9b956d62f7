// The public chat API over the prompt encoder and the output parser.
#include "hadal/chat.h"

#include <fmt/format.h>

#include "text/output_parser.h"
#include "text/render_request.h"
#include "text/request_fields.h"
#include "text/request_tools.h"

namespace hadal {
namespace {

std::string_view role_name(Role role) {
  switch (role) {
    case Role::system:
      return "system";
    case Role::user:
      return "user";
    case Role::assistant:
      return "assistant";
    case Role::tool:
      return "tool";
  }
  return "unknown";
}

[[noreturn]] void fail(const Failure& failure) {
  throw Error(
      failure.code,
      failure.field.empty()
          ? failure.message
          : fmt::format("{}: {}", failure.field, failure.message));
}

JsonValue read_json_option(std::string_view name, const std::string& text) {
  Result<JsonValue> value = parse_json(text);
  if (!value.has_value())
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("{}: {}", name, value.error().message));
  return std::move(*value);
}

JsonValue calls_json(const std::vector<ToolCall>& calls) {
  JsonValue::Array list;
  for (const ToolCall& call : calls) {
    JsonValue function = JsonValue::object(
        {{"name", JsonValue::string(call.name)},
         {"arguments", JsonValue::string(call.arguments)}});
    list.push_back(JsonValue::object(
        {{"id", JsonValue::string(call.id)},
         {"function", std::move(function)}}));
  }
  return JsonValue::array(std::move(list));
}

JsonValue message_json(const Message& message) {
  JsonValue value = JsonValue::object(
      {{"role", JsonValue::string(std::string(role_name(message.role)))},
       {"content", JsonValue::string(message.content)}});
  if (!message.reasoning.empty())
    value.set("reasoning_content", JsonValue::string(message.reasoning));
  if (!message.tool_calls.empty())
    value.set("tool_calls", calls_json(message.tool_calls));
  if (!message.tool_call_id.empty())
    value.set("tool_call_id", JsonValue::string(message.tool_call_id));
  return value;
}

// The conversation as the request that a client would send: one path for both.
JsonValue request_json(
    std::span<const Message> messages, const ChatOptions& options) {
  JsonValue::Array list;
  for (const Message& message : messages)
    list.push_back(message_json(message));
  JsonValue request = JsonValue::object(
      {{"messages", JsonValue::array(std::move(list))},
       {"reasoning_effort",
        JsonValue::string(std::string(name(options.thinking)))},
       {"continue_final_message", JsonValue::boolean(options.continue_last)},
       {"preserve_thinking", JsonValue::boolean(options.preserve_thinking)},
       {"special_in_content", JsonValue::boolean(options.special_in_content)}});
  if (!options.tools.empty())
    request.set("tools", read_json_option("tools", options.tools));
  if (!options.response_schema.empty()) {
    JsonValue holder = JsonValue::object(
        {{"schema",
          read_json_option("response_schema", options.response_schema)}});
    request.set(
        "response_format",
        JsonValue::object(
            {{"type", JsonValue::string("json_schema")},
             {"json_schema", std::move(holder)}}));
  }
  return request;
}

RenderedPrompt render(
    std::span<const Message> messages, const ChatOptions& options) {
  RequestOptions request_options;
  request_options.revision = options.revision;
  Result<ChatRequest> request =
      read_chat_request(request_json(messages, options), request_options);
  if (!request.has_value())
    fail(request.error());
  Result<RenderedPrompt> rendered =
      render_chat_request(*request, request_options);
  if (!rendered.has_value())
    fail(rendered.error());
  return std::move(*rendered);
}

std::vector<JsonValue> read_parser_tools(const std::string& text) {
  if (text.empty())
    return {};
  JsonValue list = read_json_option("tools", text);
  if (!list.is_array())
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("tools: expected an array, found {}", list.type_name()));
  std::vector<std::string> warnings;
  try {
    return read_tool_list(list, "tools", warnings);
  } catch (const RequestError& error) {
    fail(error.failure);
  }
}

ChatParserOptions checked(ChatParserOptions options) {
  for (const std::string& stop : options.stop)
    if (stop.empty() || !is_valid_utf8(stop))
      throw Error(
          ErrorCode::invalid_argument,
          "a stop string must be UTF-8 text that is not empty");
  return options;
}

}  // namespace

std::string_view name(Thinking thinking) {
  switch (thinking) {
    case Thinking::none:
      return "none";
    case Thinking::minimal:
      return "minimal";
    case Thinking::low:
      return "low";
    case Thinking::medium:
      return "medium";
    case Thinking::high:
      return "high";
    case Thinking::xhigh:
      return "xhigh";
    case Thinking::max:
      return "max";
  }
  return "unknown";
}

std::string_view name(ChatFinish finish) {
  switch (finish) {
    case ChatFinish::stop:
      return "stop";
    case ChatFinish::length:
      return "length";
    case ChatFinish::tool_calls:
      return "tool_calls";
  }
  return "unknown";
}

Spans encode_chat(
    std::span<const Message> messages, const ChatOptions& options) {
  return render(messages, options).spans;
}

ChatParserOptions parser_options(
    std::span<const Message> messages, const ChatOptions& options) {
  ChatParserOptions parser = render(messages, options).parser;
  parser.tools = options.tools;
  return parser;
}

struct ChatParser::Impl {
  explicit Impl(const ChatParserOptions& options)
      : parser(checked(options), read_parser_tools(options.tools)) {}
  OutputParser parser;
};

ChatParser::ChatParser(const ChatParserOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
ChatParser::~ChatParser() = default;
ChatParser::ChatParser(ChatParser&&) noexcept = default;
ChatParser& ChatParser::operator=(ChatParser&&) noexcept = default;

std::vector<ChatEvent> ChatParser::push(std::string_view bytes) {
  return impl_->parser.push(bytes);
}

bool ChatParser::done() const {
  return impl_->parser.done();
}

ChatEnd ChatParser::finish(OutputEnd end) {
  return impl_->parser.finish(end);
}

int ChatParser::unparsed_blocks() const {
  return impl_->parser.unparsed_blocks();
}

void ChatAnswerBuilder::add(std::span<const ChatEvent> events) {
  for (const ChatEvent& event : events) {
    switch (event.kind) {
      case ChatEvent::Kind::reasoning:
        answer_.reasoning += event.text;
        break;
      case ChatEvent::Kind::content:
        answer_.content += event.text;
        break;
      case ChatEvent::Kind::tool_call_begin:
        answer_.tool_calls.push_back({event.id, event.name, ""});
        break;
      case ChatEvent::Kind::tool_call_arguments:
        answer_.tool_calls.back().arguments += event.text;
        break;
      case ChatEvent::Kind::tool_call_end:
        ++complete_calls_;
        break;
    }
  }
}

ChatAnswer ChatAnswerBuilder::take(ChatFinish finish) {
  answer_.tool_calls.resize(complete_calls_);
  answer_.finish = finish;
  complete_calls_ = 0;
  return std::exchange(answer_, {});
}

}  // namespace hadal
