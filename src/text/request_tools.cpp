// Reading tools, tool_choice and response_format.
#include "text/request_tools.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/request_fields.h"

namespace hadal {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '_' || c == '-';
}

const JsonValue* find_tool(
    const std::vector<JsonValue>& tools, std::string_view name) {
  for (const JsonValue& tool : tools)
    if (tool.find("name")->as_string() == name)
      return &tool;
  return nullptr;
}

void check_tool_name(const JsonValue& function, const std::string& path) {
  std::optional<std::string> name = string_field(function, path, "name");
  std::string name_path = member_path(path, "name");
  if (!name || name->empty())
    refuse(name_path, "a tool must have a name");
  if (name->size() > kMaxToolNameBytes)
    refuse(
        name_path,
        fmt::format(
            "the name has {} bytes; the limit is {}",
            name->size(),
            kMaxToolNameBytes));
  if (!std::all_of(name->begin(), name->end(), is_name_character))
    refuse(
        name_path,
        fmt::format(
            "the name '{}' may hold only letters, digits, '_' and '-'", *name));
}

void check_parameters(const JsonValue& function, const std::string& path) {
  const JsonValue* parameters = object_field(function, path, "parameters");
  if (parameters == nullptr)
    return;
  const JsonValue* type = parameters->find("type");
  if (type != nullptr && !(type->is_string() && type->as_string() == "object"))
    refuse(
        member_path(path, "parameters.type"),
        fmt::format(
            "parameters must be a schema of type object, found {}",
            print_json(*type)));
}

// The function object of a tool: {"type":"function","function":{...}}, or flat
// as in the Responses API.
JsonValue function_of(const JsonValue& tool, std::string& path) {
  if (const JsonValue* function = object_field(tool, path, "function")) {
    path = member_path(path, "function");
    return *function;
  }
  if (tool.find("name") == nullptr)
    refuse(
        member_path(path, "function"),
        "a tool must have a function with name and parameters");
  JsonValue::Object members;
  for (const JsonMember& member : tool.members())
    if (member.key != "type")
      members.push_back(member);
  return JsonValue::object(std::move(members));
}

void set_named_choice(ChatRequest& request, const JsonValue& choice) {
  std::string path = "tool_choice";
  const JsonValue* holder = object_field(choice, path, "function");
  if (holder != nullptr)
    path = "tool_choice.function";
  else
    holder = &choice;
  std::optional<std::string> name = string_field(*holder, path, "name");
  if (!name)
    refuse(member_path(path, "name"), "a named choice must have a name");
  const JsonValue* tool = find_tool(request.tools, *name);
  if (tool == nullptr)
    refuse(
        member_path(path, "name"),
        fmt::format("'{}' is not one of the request's tools", *name));
  request.tool_choice = ToolChoice::named;
  request.tools = {JsonValue(*tool)};
}

void read_choice(const JsonValue& source, ChatRequest& request) {
  const JsonValue* choice = field(source, "tool_choice");
  if (choice == nullptr)
    return;
  if (choice->is_string()) {
    set_tool_choice(request, choice->as_string(), "tool_choice");
    return;
  }
  if (!choice->is_object())
    refuse_type("tool_choice", "a string or an object", *choice);
  std::optional<std::string> type =
      string_field(*choice, "tool_choice", "type");
  if (!type || *type == "function")
    set_named_choice(request, *choice);
  else
    set_tool_choice(request, *type, "tool_choice.type");
}

bool declares_parameter(const JsonValue& tool, std::string_view name) {
  const JsonValue* parameters = tool.find("parameters");
  const JsonValue* properties =
      parameters == nullptr ? nullptr : parameters->find("properties");
  return properties != nullptr && properties->find(name) != nullptr;
}

}  // namespace

void set_tool_choice(
    ChatRequest& request, std::string_view word, const std::string& path) {
  if (word == "auto")
    request.tool_choice = ToolChoice::automatic;
  else if (word == "none")
    request.tool_choice = ToolChoice::none;
  else if (word == "required")
    request.tool_choice = ToolChoice::required;
  else
    refuse(
        path,
        fmt::format(
            "expected auto, none, required or a function, found '{}'", word));
}

JsonValue read_tool(const JsonValue& tool, std::string path) {
  JsonValue function = function_of(tool, path);
  check_tool_name(function, path);
  check_parameters(function, path);
  return function;
}

std::vector<JsonValue> read_tool_list(
    const JsonValue& list,
    std::string_view path,
    std::vector<std::string>& warnings) {
  if (list.items().size() > kMaxTools)
    refuse(
        std::string(path),
        fmt::format(
            "{} tools are more than the limit of {}",
            list.items().size(),
            kMaxTools));
  std::vector<JsonValue> tools;
  for (size_t i = 0; i < list.items().size(); ++i) {
    const JsonValue& tool = list.items()[i];
    std::string tool_path = item_path(path, i);
    if (!tool.is_object())
      refuse_type(tool_path, "a tool object", tool);
    std::optional<std::string> type = string_field(tool, tool_path, "type");
    if (type && *type != "function") {
      warnings.push_back(fmt::format(
          "{} of type '{}' was left out; only functions are supported",
          tool_path,
          *type));
      continue;
    }
    JsonValue function = read_tool(tool, tool_path);
    const std::string& name = function.find("name")->as_string();
    if (find_tool(tools, name) != nullptr)
      refuse(
          member_path(
              tool.find("function") == nullptr
                  ? tool_path
                  : member_path(tool_path, "function"),
              "name"),
          fmt::format("tool names must be unique; '{}' is repeated", name));
    tools.push_back(std::move(function));
  }
  return tools;
}

void read_tools(const JsonValue& source, ChatRequest& request) {
  if (const JsonValue* list = array_field(source, "", "tools"))
    request.tools = read_tool_list(*list, "tools", request.warnings);
  if (field(source, "functions") != nullptr)
    request.warnings.push_back("functions was ignored; use tools");
  read_choice(source, request);
  if (request.tool_choice == ToolChoice::none)
    request.tools.clear();
  if (request.tool_choice == ToolChoice::required && request.tools.empty()) {
    request.warnings.push_back(
        "tool_choice required was ignored; the request has no tools");
    request.tool_choice = ToolChoice::automatic;
  }
  request.parallel_tool_calls =
      bool_field(source, "", "parallel_tool_calls").value_or(true);
}

void read_answer_format(const JsonValue& source, ChatRequest& request) {
  constexpr std::string_view kPath = "response_format";
  const JsonValue* format = object_field(source, "", kPath);
  if (format == nullptr)
    return;
  std::string type = string_field(*format, kPath, "type").value_or("text");
  if (type == "text")
    return;
  if (type == "json_object") {
    request.answer_format.kind = AnswerFormat::Kind::json_object;
    return;
  }
  if (type != "json_schema")
    refuse(
        member_path(kPath, "type"),
        fmt::format(
            "expected text, json_object or json_schema, found '{}'", type));
  const JsonValue* holder = object_field(*format, kPath, "json_schema");
  std::string path(kPath);
  if (holder != nullptr)
    path += ".json_schema";
  else
    holder = format;
  const JsonValue* schema = object_field(*holder, path, "schema");
  if (schema == nullptr)
    refuse("response_format.json_schema.schema", "a schema is missing");
  request.answer_format = {AnswerFormat::Kind::schema, *schema};
}

void unwrap_arguments(
    std::vector<ChatMessage>& messages, const std::vector<JsonValue>& tools) {
  for (ChatMessage& message : messages) {
    for (ChatToolCall& call : message.tool_calls) {
      const JsonValue* tool = find_tool(tools, call.name);
      if (tool == nullptr || declares_parameter(*tool, "arguments"))
        continue;
      Result<JsonValue> outer = parse_json(call.arguments.as_string());
      if (!outer.has_value() || !outer->is_object() ||
          outer->members().size() != 1)
        continue;
      const JsonValue* inner = outer->find("arguments");
      if (inner == nullptr || !inner->is_string())
        continue;
      Result<JsonValue> value = parse_json(inner->as_string());
      if (value.has_value() && value->is_object())
        call.arguments = JsonValue(*inner);
    }
  }
}

}  // namespace hadal
