// Reading texts and arguments out of items.
#include "server/api/responses_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "server/api/base64.h"
#include "text/request_fields.h"
#include "text/request_messages.h"
#include "text/utf8.h"

namespace hadal {
namespace {

// The texts of an array of {"type":..., "text":...}.
std::string part_texts(
    const JsonValue& item, const std::string& path, std::string_view key) {
  const JsonValue* list = array_field(item, path, key);
  if (list == nullptr)
    return "";
  std::string list_path = member_path(path, key);
  std::string texts;
  for (size_t i = 0; i < list->items().size(); ++i) {
    const JsonValue& part = list->items()[i];
    std::string part_path = item_path(list_path, i);
    if (!part.is_object())
      refuse_type(part_path, "a part object", part);
    std::string text = string_field(part, part_path, "text").value_or("");
    if (!texts.empty() && !text.empty())
      texts += "\n\n";
    texts += text;
  }
  return texts;
}

// Strings and parts with a type, as messages have them.
bool is_content(const JsonValue& output) {
  if (output.is_string())
    return true;
  return output.is_array() && std::all_of(
                                  output.items().begin(),
                                  output.items().end(),
                                  [](const JsonValue& part) {
                                    return part.is_string() ||
                                           part.find("type") != nullptr;
                                  });
}

bool is_bookkeeping(std::string_view key) {
  constexpr std::array<std::string_view, 11> kKeys = {
      "type",
      "id",
      "call_id",
      "status",
      "name",
      "server_label",
      "result",
      "results",
      "output",
      "outputs",
      "error"};
  return std::find(kKeys.begin(), kKeys.end(), key) != kKeys.end();
}

}  // namespace

std::string reasoning_text(const JsonValue& item, const std::string& path) {
  std::string text = part_texts(item, path, "content");
  if (!text.empty())
    return text;
  auto packed = string_field(item, path, "encrypted_content");
  if (packed && !packed->empty()) {
    std::optional<std::string> plain = decode_base64(*packed);
    if (plain && is_valid_utf8(*plain))
      return *plain;
  }
  return part_texts(item, path, "summary");
}

std::string packed_reasoning(std::string_view text) {
  return encode_base64(text);
}

std::string call_id(const JsonValue& item, const std::string& path) {
  auto id = string_field(item, path, "call_id");
  return id ? *id : string_field(item, path, "id").value_or("");
}

JsonValue call_arguments(const JsonValue& item, std::string_view key) {
  const JsonValue* arguments = field(item, key);
  if (arguments == nullptr)
    return JsonValue::string("");
  return arguments->is_string() ? *arguments
                                : JsonValue::string(print_json(*arguments));
}

JsonValue hosted_arguments(const JsonValue& item) {
  for (std::string_view key : {"arguments", "action", "operation"})
    if (field(item, key) != nullptr)
      return call_arguments(item, key);
  JsonValue rest = JsonValue::object({});
  for (const JsonMember& member : item.members())
    if (!is_bookkeeping(member.key) && !member.value.is_null())
      rest.set(member.key, member.value);
  return JsonValue::string(print_json(rest));
}

std::string output_text(
    const JsonValue& item,
    const std::string& path,
    const RequestOptions& options) {
  std::string key = "output";
  for (const char* other : {"result", "tools", "status"})
    if (field(item, key) == nullptr)
      key = other;
  const JsonValue* output = field(item, key);
  if (output == nullptr)
    return "";
  if (is_content(*output))
    return read_content(
        *output, member_path(path, key), OtherParts::name, options);
  const JsonValue* type = output->find("type");
  if (type != nullptr && type->is_string())
    return fmt::format("[Unsupported {}]", type->as_string());
  return print_json(*output);
}

}  // namespace hadal
