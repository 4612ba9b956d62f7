// Reading the fields of a Responses request.
#include "server/api/responses_request.h"

#include <fmt/format.h>

#include "server/api/responses_items.h"
#include "text/request_fields.h"
#include "text/request_thinking.h"
#include "text/request_tools.h"

namespace hadal {
namespace {

// What would need services that stand behind OpenAI's API.
void refuse_unsupported(const JsonValue& body) {
  if (bool_field(body, "", "background").value_or(false))
    refuse("background", "background responses are not supported");
  if (field(body, "conversation") != nullptr)
    refuse(
        "conversation",
        "conversations are not kept here; use previous_response_id");
  if (field(body, "prompt") != nullptr)
    refuse("prompt", "prompt templates are not kept here; use instructions");
}

ResponseForms read_forms(const JsonValue& body) {
  ResponseForms forms;
  if (const JsonValue* reasoning = object_field(body, "", "reasoning")) {
    auto summary = string_field(*reasoning, "reasoning", "summary");
    if (!summary)
      summary = string_field(*reasoning, "reasoning", "generate_summary");
    forms.summary = summary && *summary != "none";
  }
  if (array_field(body, "", "include") != nullptr)
    for (const std::string& what : strings_field(body, "", "include")) {
      forms.encrypted_reasoning =
          forms.encrypted_reasoning || what == "reasoning.encrypted_content";
      forms.logprobs = forms.logprobs || what == "message.output_text.logprobs";
    }
  return forms;
}

// {"text":{"format":{"type":"json_schema","name","schema","strict"}}}
AnswerFormat read_text_format(const JsonValue& body) {
  const std::string path = "text.format";
  const JsonValue* text = object_field(body, "", "text");
  const JsonValue* format =
      text == nullptr ? nullptr : object_field(*text, "text", "format");
  if (format == nullptr)
    return {};
  std::string type = string_field(*format, path, "type").value_or("text");
  if (type == "text")
    return {};
  if (type == "json_object")
    return {AnswerFormat::Kind::json_object, {}};
  if (type != "json_schema")
    refuse(
        member_path(path, "type"),
        fmt::format(
            "expected text, json_object or json_schema, found '{}'", type));
  const JsonValue* schema = object_field(*format, path, "schema");
  if (schema == nullptr)
    refuse(member_path(path, "schema"), "a schema is missing");
  return {AnswerFormat::Kind::schema, *schema};
}

void read_response_tools(const JsonValue& body, ResponsesRequest& request) {
  std::vector<std::string>& warnings = request.chat.warnings;
  ResponseTools& tools = request.settings.tools;
  if (const JsonValue* list = array_field(body, "", "tools"))
    add_response_tools(*list, "tools", tools, warnings);
  // Tools may also come as an item.
  const JsonValue* input = field(body, "input");
  if (input != nullptr && input->is_array())
    for (size_t i = 0; i < input->items().size(); ++i) {
      const JsonValue& item = input->items()[i];
      std::string path = item_path("input", i);
      if (!item.is_object() ||
          string_field(item, path, "type") != "additional_tools")
        continue;
      if (const JsonValue* list = array_field(item, path, "tools"))
        add_response_tools(*list, member_path(path, "tools"), tools, warnings);
    }
  read_response_choice(body, tools, request.chat);
}

// The input as items.
JsonValue input_items(const JsonValue& body) {
  const JsonValue* input = field(body, "input");
  if (input == nullptr)
    return JsonValue::array({});
  if (input->is_array())
    return *input;
  if (!input->is_string())
    refuse_type("input", "a string or an array of items", *input);
  JsonValue message = JsonValue::object({});
  message.set("type", JsonValue::string("message"));
  message.set("role", JsonValue::string("user"));
  message.set("content", *input);
  return JsonValue::array({std::move(message)});
}

void read_previous(
    const JsonValue& body,
    const OwnResponses& store,
    ResponseSettings& settings) {
  auto id = string_field(body, "", "previous_response_id");
  if (!id)
    return;
  std::shared_ptr<const StoredResponse> previous = store.find(*id);
  if (previous == nullptr)
    throw RequestError{
        {ErrorCode::not_found,
         fmt::format(
             "no response with id '{}' is kept here; send the whole "
             "conversation as input",
             *id),
         "previous_response_id"}};
  settings.earlier_turns = previous->turns;
}

void read_items(
    const JsonValue& body,
    const JsonValue& input,
    const std::vector<std::shared_ptr<const ResponseTurn>>& earlier,
    ResponseItemReader& reader) {
  if (auto text = string_field(body, "", "instructions"))
    reader.add_instructions(*text);
  for (const auto& turn : earlier) {
    for (const JsonValue& item : turn->input.items())
      reader.add(item, "previous_response_id", 0);
    for (const JsonValue& item : turn->output.items())
      reader.add(item, "previous_response_id", 0);
  }
  for (size_t i = 0; i < input.items().size(); ++i)
    reader.add(input.items()[i], item_path("input", i), i);
}

// A conversation that ends with a cut answer is continued; a whole one of the
// assistant at the end stays, and a further one follows.
void read_end(bool incomplete, ChatRequest& chat) {
  if (chat.messages.empty())
    refuse("input", "a request must have at least one item");
  ChatMessage& last = chat.messages.back();
  if (last.role != ChatRole::assistant)
    return;
  if (!last.tool_calls.empty())
    refuse(
        item_path("input", last.index),
        "the conversation ends with a tool call; add the item with its "
        "output");
  bool forced = chat.tool_choice == ToolChoice::required ||
                chat.tool_choice == ToolChoice::named;
  if (!incomplete || forced)
    return;
  bool inside_reasoning = chat.thinking && last.content.empty();
  last.end = inside_reasoning ? TurnEnd::open_reasoning : TurnEnd::open;
  chat.continues_last = true;
}

// Clients that send reasoning back want it kept; "context" says it outright.
bool read_preserve(
    const JsonValue& body, const RequestOptions& options, bool has_reasoning) {
  if (auto preserve = bool_field(body, "", "preserve_thinking"))
    return *preserve;
  if (const JsonValue* reasoning = object_field(body, "", "reasoning")) {
    auto context = string_field(*reasoning, "reasoning", "context");
    if (context == "all_turns" || context == "current_turn")
      return context == "all_turns";
  }
  return options.preserve_thinking || has_reasoning;
}

}  // namespace

ResponsesRequest read_responses_request(
    const JsonValue& body,
    const ServedModel& served,
    const OwnResponses& store) {
  refuse_unsupported(body);
  RequestOptions options = served.request;
  options.late_system = RequestOptions::LateSystem::user;
  ResponsesRequest request;
  ChatRequest& chat = request.chat;
  ResponseSettings& settings = request.settings;
  settings.model = string_field(body, "", "model").value_or(served.name);
  settings.stream = bool_field(body, "", "stream").value_or(false);
  settings.store = bool_field(body, "", "store").value_or(true);
  settings.forms = read_forms(body);
  read_thinking(body, options, chat);
  read_response_tools(body, request);
  chat.answer_format = read_text_format(body);
  chat.special_in_content = bool_field(body, "", "special_in_content")
                                .value_or(options.special_in_content);

  read_previous(body, store, settings);
  JsonValue input = input_items(body);
  ResponseItemReader reader(options, store, chat.warnings);
  read_items(body, input, settings.earlier_turns, reader);
  gather_instructions(reader.take(), options, chat);
  unwrap_arguments(chat.messages, chat.tools);
  chat.preserve_thinking = read_preserve(body, options, reader.has_reasoning());
  read_end(reader.ends_incomplete(), chat);
  if (settings.store)
    settings.input = kept_items(input, served.sources, store);
  return request;
}

}  // namespace hadal
