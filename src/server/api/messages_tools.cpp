// {"name","description","input_schema"} -> function objects.
#include "server/api/messages_tools.h"

#include <fmt/format.h>

#include <map>

#include "text/request_fields.h"
#include "text/request_tools.h"
#include "text/text_limits.h"

namespace hadal {
namespace {

JsonValue read_one(const JsonValue& tool, const std::string& path) {
  JsonValue function = JsonValue::object({});
  if (auto name = string_field(tool, path, "name"))
    function.set("name", JsonValue::string(std::move(*name)));
  else
    refuse(member_path(path, "name"), "a tool must have a name");
  if (auto description = string_field(tool, path, "description"))
    function.set("description", JsonValue::string(std::move(*description)));
  if (const JsonValue* schema = object_field(tool, path, "input_schema")) {
    const JsonValue* type = schema->find("type");
    if (type != nullptr &&
        !(type->is_string() && type->as_string() == "object"))
      refuse(
          member_path(path, "input_schema.type"),
          fmt::format(
              "input_schema must be a schema of type object, found {}",
              print_json(*type)));
    function.set("parameters", *schema);
  }
  if (bool_field(tool, path, "strict").value_or(false))
    function.set("strict", JsonValue::boolean(true));
  return read_tool(function, path);
}

// The paths by the names of the tools.
std::map<std::string, std::string> read_list(
    const JsonValue& list, ChatRequest& request) {
  if (list.items().size() > kMaxTools)
    refuse(
        "tools",
        fmt::format(
            "{} tools are more than the limit of {}",
            list.items().size(),
            kMaxTools));
  std::map<std::string, std::string> paths;
  for (size_t i = 0; i < list.items().size(); ++i) {
    const JsonValue& tool = list.items()[i];
    std::string path = item_path("tools", i);
    if (!tool.is_object())
      refuse_type(path, "a tool object", tool);
    std::string type = string_field(tool, path, "type").value_or("custom");
    if (type != "custom") {
      request.warnings.push_back(fmt::format(
          "{} of type '{}' was left out; only tools with an input_schema are "
          "supported",
          path,
          type));
      continue;
    }
    JsonValue function = read_one(tool, path);
    const std::string& name = function.find("name")->as_string();
    if (!paths.try_emplace(name, path).second)
      refuse(
          member_path(path, "name"),
          fmt::format("tool names must be unique; '{}' is repeated", name));
    request.tools.push_back(std::move(function));
  }
  return paths;
}

void choose_one(const JsonValue& choice, ChatRequest& request) {
  auto name = string_field(choice, "tool_choice", "name");
  if (!name)
    refuse("tool_choice.name", "a choice of type 'tool' must have a name");
  std::erase_if(request.tools, [&](const JsonValue& function) {
    return function.find("name")->as_string() != *name;
  });
  if (request.tools.empty())
    refuse(
        "tool_choice.name",
        fmt::format("'{}' is not one of the request's tools", *name));
  request.tool_choice = ToolChoice::named;
}

void read_choice(const JsonValue& body, ChatRequest& request) {
  const std::string path = "tool_choice";
  const JsonValue* choice = object_field(body, "", path);
  if (choice == nullptr)
    return;
  request.parallel_tool_calls =
      !bool_field(*choice, path, "disable_parallel_tool_use").value_or(false);
  auto type = string_field(*choice, path, "type");
  if (!type)
    refuse("tool_choice.type", "a choice must have a type");
  if (*type == "auto") {
    request.tool_choice = ToolChoice::automatic;
  } else if (*type == "none") {
    request.tool_choice = ToolChoice::none;
    request.tools.clear();
  } else if (*type == "tool") {
    choose_one(*choice, request);
  } else if (*type == "any") {
    if (request.tools.empty())
      request.warnings.push_back(
          "tool_choice any was ignored; the request has no tools");
    else
      request.tool_choice = ToolChoice::required;
  } else {
    refuse(
        "tool_choice.type",
        fmt::format("expected auto, any, tool or none, found '{}'", *type));
  }
}

}  // namespace

std::vector<std::string> read_message_tools(
    const JsonValue& body, ChatRequest& request) {
  std::map<std::string, std::string> by_name;
  if (const JsonValue* list = array_field(body, "", "tools"))
    by_name = read_list(*list, request);
  read_choice(body, request);
  std::vector<std::string> paths;
  for (const JsonValue& function : request.tools)
    paths.push_back(by_name.at(function.find("name")->as_string()));
  return paths;
}

void read_message_format(const JsonValue& body, ChatRequest& request) {
  std::string path = "output_config.format";
  const JsonValue* config = object_field(body, "", "output_config");
  const JsonValue* format =
      config == nullptr ? nullptr
                        : object_field(*config, "output_config", "format");
  if (format == nullptr) {
    path = "output_format";
    format = object_field(body, "", path);
  }
  if (format == nullptr)
    return;
  std::string type = string_field(*format, path, "type").value_or("");
  if (type != "json_schema")
    refuse(
        member_path(path, "type"),
        fmt::format("expected json_schema, found '{}'", type));
  const JsonValue* schema = object_field(*format, path, "schema");
  if (schema == nullptr)
    refuse(member_path(path, "schema"), "a schema is missing");
  request.answer_format = {AnswerFormat::Kind::schema, *schema};
}

}  // namespace hadal
