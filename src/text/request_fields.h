// Reading the fields of a client's request: the type is checked, null counts as
// absent, and a refusal names the field by its path ("messages[2].content").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "hadal/result.h"
#include "text/json_value.h"

namespace hadal {

// Thrown inside the request reader only; read_chat_request turns it into a
// Failure. A refusal is deep in the request's tree, and passing it up through
// every level would hide what is read.
struct RequestError {
  Failure failure;
};

[[noreturn]] void refuse(std::string field, std::string message);
// "expected a string, found number".
[[noreturn]] void refuse_type(
    std::string field, std::string_view expected, const JsonValue& found);

// "messages[2]" + "content" -> "messages[2].content".
std::string member_path(std::string_view path, std::string_view key);
std::string item_path(std::string_view path, size_t index);

// A member of `object`, which stands at `path`. Absent and null are the same.
const JsonValue* field(const JsonValue& object, std::string_view key);
std::optional<std::string> string_field(
    const JsonValue& object, std::string_view path, std::string_view key);
std::optional<bool> bool_field(
    const JsonValue& object, std::string_view path, std::string_view key);
std::optional<double> number_field(
    const JsonValue& object, std::string_view path, std::string_view key);
const JsonValue* array_field(
    const JsonValue& object, std::string_view path, std::string_view key);
const JsonValue* object_field(
    const JsonValue& object, std::string_view path, std::string_view key);

}  // namespace hadal
