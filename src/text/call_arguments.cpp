// Parameters -> JSON text.
#include "text/call_arguments.h"

#include <array>
#include <utility>

namespace hadal {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpaces = " \n\t\r";
  size_t first = text.find_first_not_of(kSpaces);
  if (first == std::string_view::npos)
    return "";
  return text.substr(first, text.find_last_not_of(kSpaces) - first + 1);
}

bool is_json_object(std::string_view text) {
  return trimmed(text).starts_with('{') && is_json(text);
}

// Python's spelling of true, false and null; empty for anything else.
std::string_view python_literal(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3>
      kLiterals = {{{"True", "true"}, {"False", "false"}, {"None", "null"}}};
  for (const auto& [python, json] : kLiterals)
    if (trimmed(text) == python)
      return json;
  return "";
}

std::string quoted(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

bool is_integer(const JsonValue& value) {
  return value.is_number() &&
         value.number_text().find_first_of(".eE") == std::string::npos;
}

}  // namespace

CallArguments::CallArguments(const JsonValue* tool, bool coerce)
    : tool_(tool), coerce_(coerce) {}

const JsonValue* CallArguments::schema_of(std::string_view name) const {
  const JsonValue* node = tool_;
  for (std::string_view step :
       {std::string_view("parameters"), std::string_view("properties"), name}) {
    if (node == nullptr)
      return nullptr;
    node = node->find(step);
  }
  return node;
}

bool CallArguments::declares(std::string_view name) const {
  return schema_of(name) != nullptr;
}

bool CallArguments::schema_allows(
    std::string_view name, std::string_view type) const {
  const JsonValue* schema = schema_of(name);
  const JsonValue* types = schema == nullptr ? nullptr : schema->find("type");
  if (types == nullptr)
    return false;
  if (types->is_string())
    return types->as_string() == type;
  if (types->is_array())
    for (const JsonValue& one : types->items())
      if (one.is_string() && one.as_string() == type)
        return true;
  return false;
}

std::string CallArguments::key(std::string_view name) {
  std::string out = is_first_ ? "{" : ", ";
  is_first_ = false;
  append_json_string(out, name);
  out += ": ";
  return out;
}

std::string CallArguments::begin_parameter(
    std::string_view name, std::optional<bool> is_string) {
  std::string out = flush_wrapper();
  name_ = std::string(name);
  is_string_ = is_string;
  held_.clear();
  bool first = names_.empty();
  if (!names_.insert(name_).second) {
    mode_ = Mode::skipped;
    return out;
  }
  bool may_wrap = first && tool_ != nullptr && !declares(name) &&
                  (name == "arguments" || name == "input");
  bool casts =
      coerce_ && schema_of(name) != nullptr && !schema_allows(name, "string");
  if (may_wrap) {
    mode_ = Mode::wrapper;
  } else if (is_string == true && !casts) {
    mode_ = Mode::streamed;
    out += key(name);
    out += '"';
  } else {
    mode_ = Mode::held;
  }
  return out;
}

std::string CallArguments::add_value(std::string_view text) {
  std::string out;
  if (mode_ == Mode::streamed)
    append_json_escaped(out, text);
  else if (mode_ != Mode::skipped)
    held_ += text;
  return out;
}

std::string CallArguments::end_parameter() {
  Mode mode = std::exchange(mode_, Mode::skipped);
  switch (mode) {
    case Mode::skipped:
      return "";
    case Mode::streamed:
      return "\"";
    case Mode::held:
      break;
    case Mode::wrapper:
      wrapper_ = {name_, std::exchange(held_, ""), is_string_};
      return "";
  }
  std::string out = key(name_);
  out += json_of(name_, held_, is_string_);
  return out;
}

std::string CallArguments::json_of(
    std::string_view name,
    const std::string& text,
    std::optional<bool> is_string) const {
  if (is_string == true)
    return coerce_ ? coerced(name, text) : quoted(text);
  if (!is_string && schema_allows(name, "string"))
    return quoted(text);
  if (is_json(text))
    return text;
  std::string_view literal = is_string ? python_literal(text) : "";
  return literal.empty() ? quoted(text) : std::string(literal);
}

std::string CallArguments::coerced(
    std::string_view name, const std::string& text) const {
  std::string_view literal = python_literal(text);
  std::string json = literal.empty() ? text : std::string(literal);
  Result<JsonValue> value = parse_json(json);
  if (!value.has_value() || schema_allows(name, "string"))
    return quoted(text);
  bool fits = schema_allows(name, value->type_name()) ||
              (is_integer(*value) && schema_allows(name, "integer"));
  return fits ? json : quoted(text);
}

std::string CallArguments::flush_wrapper() {
  if (!wrapper_)
    return "";
  Wrapper wrapper = *std::exchange(wrapper_, std::nullopt);
  std::string out = key(wrapper.name);
  out += json_of(wrapper.name, wrapper.text, wrapper.is_string);
  return out;
}

std::string CallArguments::whole_body(std::string_view text) {
  is_first_ = false;
  if (is_json_object(text))
    return std::string(trimmed(text));
  is_first_ = true;
  std::string out = key("arguments") + quoted(trimmed(text)) + "}";
  return out;
}

std::string CallArguments::end() {
  if (wrapper_ && is_json_object(wrapper_->text))
    return std::string(trimmed(wrapper_->text));
  std::string out = flush_wrapper();
  out += is_first_ ? "{}" : "}";
  return out;
}

}  // namespace hadal
