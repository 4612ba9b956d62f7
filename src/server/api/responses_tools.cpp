// Reading tools and the choice among them.
#include "server/api/responses_tools.h"

#include <fmt/format.h>

#include <algorithm>

#include "text/request_fields.h"
#include "text/request_tools.h"
#include "text/text_limits.h"

namespace hadal {
namespace {

// In the order in which models have seen functions; `strict` is for the
// grammar.
JsonValue plain_function(const JsonValue& tool, const std::string& name) {
  JsonValue function = JsonValue::object({});
  function.set("name", JsonValue::string(name));
  for (std::string_view key : {"description", "parameters"})
    if (const JsonValue* value = field(tool, key))
      function.set(key, *value);
  const JsonValue* strict = field(tool, "strict");
  if (strict != nullptr && strict->is_boolean() && strict->as_boolean())
    function.set("strict", *strict);
  return function;
}

// A custom tool takes text. Its grammar, if it has one, is told to the model;
// nothing enforces it.
JsonValue custom_function(
    const JsonValue& tool, const std::string& path, const std::string& name) {
  std::string description =
      string_field(tool, path, "description").value_or("");
  if (const JsonValue* format = object_field(tool, path, "format")) {
    std::string format_path = member_path(path, "format");
    auto definition = string_field(*format, format_path, "definition");
    auto syntax = string_field(*format, format_path, "syntax");
    if (definition) {
      description += description.empty() ? "" : "\n\n";
      description += fmt::format(
          "The input is text that must match this {} grammar:\n{}",
          syntax.value_or("lark"),
          *definition);
    }
  }
  JsonValue input = JsonValue::object({});
  input.set("type", JsonValue::string("string"));
  input.set("description", JsonValue::string("The input, as plain text."));
  JsonValue properties = JsonValue::object({});
  properties.set(kCustomInput, std::move(input));
  JsonValue parameters = JsonValue::object({});
  parameters.set("type", JsonValue::string("object"));
  parameters.set("properties", std::move(properties));
  parameters.set(
      "required",
      JsonValue::array({JsonValue::string(std::string(kCustomInput))}));
  JsonValue function = JsonValue::object({});
  function.set("name", JsonValue::string(name));
  function.set("description", JsonValue::string(std::move(description)));
  function.set("parameters", std::move(parameters));
  return function;
}

void add_tool(
    const JsonValue& tool,
    const std::string& path,
    const std::string& name_space,
    ResponseTools& tools,
    std::vector<std::string>& warnings);

void add_namespace(
    const JsonValue& tool,
    const std::string& path,
    ResponseTools& tools,
    std::vector<std::string>& warnings) {
  auto name = string_field(tool, path, "name");
  if (!name || name->empty())
    refuse(member_path(path, "name"), "a namespace must have a name");
  const JsonValue* list = array_field(tool, path, "tools");
  if (list == nullptr)
    refuse(member_path(path, "tools"), "a namespace must have tools");
  std::string list_path = member_path(path, "tools");
  for (size_t i = 0; i < list->items().size(); ++i)
    add_tool(list->items()[i], item_path(list_path, i), *name, tools, warnings);
}

// The older form that wraps the function is read too.
JsonValue unwrapped(const JsonValue& tool, std::string& path) {
  const JsonValue* inner = object_field(tool, path, "function");
  if (inner == nullptr)
    return tool;
  path = member_path(path, "function");
  return *inner;
}

void add_tool(
    const JsonValue& tool,
    const std::string& path,
    const std::string& name_space,
    ResponseTools& tools,
    std::vector<std::string>& warnings) {
  if (!tool.is_object())
    refuse_type(path, "a tool object", tool);
  std::string type = string_field(tool, path, "type").value_or("function");
  if (type == "namespace" && name_space.empty()) {
    add_namespace(tool, path, tools, warnings);
    return;
  }
  bool custom = type == "custom";
  if (type != "function" && !custom) {
    warnings.push_back(fmt::format(
        "{} of type '{}' was left out; only functions and custom tools are "
        "supported",
        path,
        type));
    return;
  }
  std::string at = path;
  JsonValue plain = unwrapped(tool, at);
  auto name = string_field(plain, at, "name");
  if (!name || name->empty())
    refuse(member_path(at, "name"), "a tool must have a name");
  std::string full = name_space + *name;
  JsonValue function = read_tool(
      custom ? custom_function(plain, at, full) : plain_function(plain, full),
      at);
  if (!tools.by_name
           .try_emplace(full, ResponseTool{*name, name_space, custom, at})
           .second)
    refuse(
        member_path(at, "name"),
        fmt::format("tool names must be unique; '{}' is repeated", full));
  if (tools.functions.size() >= kMaxTools)
    refuse(path, fmt::format("more tools than the limit of {}", kMaxTools));
  tools.functions.push_back(std::move(function));
}

const std::string& name_of(const JsonValue& function) {
  return function.find("name")->as_string();
}

// The function that a choice names; namespaces may be left out.
const JsonValue* find_function(
    const ResponseTools& tools, std::string_view name) {
  for (const JsonValue& function : tools.functions)
    if (name_of(function) == name)
      return &function;
  for (const JsonValue& function : tools.functions)
    if (tools.by_name.find(name_of(function))->second.name == name)
      return &function;
  return nullptr;
}

const JsonValue& required_function(
    const JsonValue& choice,
    const std::string& path,
    const ResponseTools& tools) {
  auto name = string_field(choice, path, "name");
  if (!name)
    refuse(member_path(path, "name"), "a named choice must have a name");
  std::string full =
      string_field(choice, path, "namespace").value_or("") + *name;
  const JsonValue* function = find_function(tools, full);
  if (function == nullptr)
    refuse(
        member_path(path, "name"),
        fmt::format("'{}' is not one of the request's tools", full));
  return *function;
}

bool is_client_tool(std::string_view type) {
  return type == "function" || type == "custom";
}

// {"type":"allowed_tools","mode":"auto","tools":[{"type":"function",...}]}
void set_allowed(
    const JsonValue& choice, const ResponseTools& tools, ChatRequest& request) {
  const std::string path = "tool_choice";
  std::string mode = string_field(choice, path, "mode").value_or("auto");
  if (mode != "auto" && mode != "required")
    refuse(
        member_path(path, "mode"),
        fmt::format("expected auto or required, found '{}'", mode));
  set_tool_choice(request, mode, member_path(path, "mode"));
  const JsonValue* list = array_field(choice, path, "tools");
  if (list == nullptr)
    refuse(member_path(path, "tools"), "the allowed tools are missing");
  std::vector<std::string> allowed;
  for (size_t i = 0; i < list->items().size(); ++i) {
    const JsonValue& entry = list->items()[i];
    std::string at = item_path(member_path(path, "tools"), i);
    if (!entry.is_object())
      refuse_type(at, "a tool object", entry);
    if (is_client_tool(string_field(entry, at, "type").value_or("function")))
      allowed.push_back(name_of(required_function(entry, at, tools)));
  }
  std::erase_if(request.tools, [&](const JsonValue& function) {
    return std::find(allowed.begin(), allowed.end(), name_of(function)) ==
           allowed.end();
  });
}

void read_choice(
    const JsonValue& choice, const ResponseTools& tools, ChatRequest& request) {
  const std::string path = "tool_choice";
  if (choice.is_string()) {
    set_tool_choice(request, choice.as_string(), path);
    return;
  }
  if (!choice.is_object())
    refuse_type(path, "a string or an object", choice);
  std::string type = string_field(choice, path, "type").value_or("function");
  if (type == "allowed_tools") {
    set_allowed(choice, tools, request);
  } else if (is_client_tool(type)) {
    request.tools = {required_function(choice, path, tools)};
    request.tool_choice = ToolChoice::named;
  } else if (type == "auto" || type == "none" || type == "required") {
    set_tool_choice(request, type, path);
  } else {
    request.warnings.push_back(fmt::format(
        "tool_choice of type '{}' was ignored; the tool is not supported",
        type));
  }
}

}  // namespace

void add_response_tools(
    const JsonValue& list,
    const std::string& path,
    ResponseTools& tools,
    std::vector<std::string>& warnings) {
  for (size_t i = 0; i < list.items().size(); ++i)
    add_tool(list.items()[i], item_path(path, i), "", tools, warnings);
}

void read_response_choice(
    const JsonValue& body, const ResponseTools& tools, ChatRequest& request) {
  request.tools = tools.functions;
  if (const JsonValue* choice = field(body, "tool_choice"))
    read_choice(*choice, tools, request);
  if (request.tool_choice == ToolChoice::none)
    request.tools.clear();
  if (request.tool_choice == ToolChoice::required && request.tools.empty()) {
    request.warnings.push_back(
        "tool_choice required was ignored; the request has no tools");
    request.tool_choice = ToolChoice::automatic;
  }
  request.parallel_tool_calls =
      bool_field(body, "", "parallel_tool_calls").value_or(true);
}

}  // namespace hadal
