// Field access with types and paths.
#include "text/request_fields.h"

#include <fmt/format.h>

namespace hadal {

void refuse(std::string field, std::string message) {
  throw RequestError{
      {ErrorCode::invalid_argument, std::move(message), std::move(field)}};
}

void refuse_type(
    std::string field, std::string_view expected, const JsonValue& found) {
  refuse(
      std::move(field),
      fmt::format("expected {}, found {}", expected, found.type_name()));
}

std::string member_path(std::string_view path, std::string_view key) {
  return path.empty() ? std::string(key) : fmt::format("{}.{}", path, key);
}

std::string item_path(std::string_view path, size_t index) {
  return fmt::format("{}[{}]", path, index);
}

const JsonValue* field(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::optional<std::string> string_field(
    const JsonValue& object, std::string_view path, std::string_view key) {
  const JsonValue* value = field(object, key);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_string())
    refuse_type(member_path(path, key), "a string", *value);
  return value->as_string();
}

std::optional<bool> bool_field(
    const JsonValue& object, std::string_view path, std::string_view key) {
  const JsonValue* value = field(object, key);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_boolean())
    refuse_type(member_path(path, key), "true or false", *value);
  return value->as_boolean();
}

std::optional<double> number_field(
    const JsonValue& object, std::string_view path, std::string_view key) {
  const JsonValue* value = field(object, key);
  if (value == nullptr)
    return std::nullopt;
  if (!value->is_number())
    refuse_type(member_path(path, key), "a number", *value);
  return value->as_double();
}

const JsonValue* array_field(
    const JsonValue& object, std::string_view path, std::string_view key) {
  const JsonValue* value = field(object, key);
  if (value != nullptr && !value->is_array())
    refuse_type(member_path(path, key), "an array", *value);
  return value;
}

const JsonValue* object_field(
    const JsonValue& object, std::string_view path, std::string_view key) {
  const JsonValue* value = field(object, key);
  if (value != nullptr && !value->is_object())
    refuse_type(member_path(path, key), "an object", *value);
  return value;
}

}  // namespace hadal
