// What a response repeats of its request, and what is kept of its input.
#include <fmt/format.h>

#include "server/api/json_text.h"
#include "server/api/responses_request.h"
#include "text/request_fields.h"

namespace hadal {
namespace {

// A member as the client sent it, else `absent`.
void repeat(
    JsonText& json,
    const JsonValue& body,
    std::string_view key,
    std::string_view absent) {
  const JsonValue* value = field(body, key);
  json.json(key, value == nullptr ? std::string(absent) : print_json(*value));
}

// At most 16 pairs of texts.
void check_metadata(const JsonValue& body) {
  const JsonValue* metadata = object_field(body, "", "metadata");
  if (metadata == nullptr)
    return;
  constexpr size_t kMaxPairs = 16;
  if (metadata->members().size() > kMaxPairs)
    refuse(
        "metadata",
        fmt::format(
            "{} pairs are more than the limit of {}",
            metadata->members().size(),
            kMaxPairs));
  for (const JsonMember& member : metadata->members())
    if (!member.value.is_string())
      refuse_type(
          member_path("metadata", member.key), "a string", member.value);
}

std::string reasoning_echo(const JsonValue& body, std::string_view level) {
  JsonText json;
  json.text("effort", level);
  const JsonValue* reasoning = field(body, "reasoning");
  const JsonValue* summary =
      reasoning == nullptr ? nullptr : field(*reasoning, "summary");
  json.json("summary", summary == nullptr ? "null" : print_json(*summary));
  return json.object();
}

std::string text_echo(const JsonValue& body) {
  const JsonValue* text = field(body, "text");
  const JsonValue* format = text == nullptr ? nullptr : field(*text, "format");
  const JsonValue* verbosity =
      text == nullptr ? nullptr : field(*text, "verbosity");
  JsonText json;
  json.json(
      "format", format == nullptr ? R"({"type":"text"})" : print_json(*format));
  if (verbosity != nullptr)
    json.json("verbosity", print_json(*verbosity));
  return json.object();
}

// A content as a list of parts, as the API lists items.
JsonValue parts_of(const JsonValue& content, bool assistant) {
  if (!content.is_string())
    return content;
  JsonValue part = JsonValue::object({});
  part.set("type", JsonValue::string(assistant ? "output_text" : "input_text"));
  part.set("text", content);
  if (assistant)
    part.set("annotations", JsonValue::array({}));
  return JsonValue::array({std::move(part)});
}

void add_missing(JsonValue& item, std::string_view key, std::string text) {
  if (field(item, key) == nullptr)
    item.set(key, JsonValue::string(std::move(text)));
}

}  // namespace

std::string response_echo(
    const JsonValue& body,
    const SamplingOptions& sampling,
    std::string_view level) {
  check_metadata(body);
  JsonText json;
  json.boolean("background", false);
  repeat(json, body, "instructions", "null");
  repeat(json, body, "max_output_tokens", "null");
  repeat(json, body, "max_tool_calls", "null");
  repeat(json, body, "metadata", "{}");
  repeat(json, body, "parallel_tool_calls", "true");
  repeat(json, body, "previous_response_id", "null");
  repeat(json, body, "prompt_cache_key", "null");
  json.json("reasoning", reasoning_echo(body, level));
  repeat(json, body, "safety_identifier", "null");
  json.text("service_tier", "default");
  repeat(json, body, "store", "true");
  json.json("temperature", fmt::format("{}", sampling.temperature));
  json.json("text", text_echo(body));
  repeat(json, body, "tool_choice", "\"auto\"");
  repeat(json, body, "tools", "[]");
  repeat(json, body, "top_logprobs", "0");
  json.json("top_p", fmt::format("{}", sampling.top_p));
  repeat(json, body, "truncation", "\"disabled\"");
  repeat(json, body, "user", "null");
  return json.members();
}

JsonValue kept_items(
    const JsonValue& input,
    const ApiSources& sources,
    const OwnResponses& store) {
  JsonValue items = JsonValue::array({});
  for (const JsonValue& source : input.items()) {
    JsonValue item = source;
    add_missing(item, "type", "message");
    std::string type = item.find("type")->as_string();
    if (type == "item_reference") {
      std::optional<JsonValue> known =
          store.find_item(item.find("id")->as_string());
      if (known)
        items.items().push_back(std::move(*known));
      continue;
    }
    bool message = type == "message";
    add_missing(item, "id", sources.make_id(message ? "msg_" : "item_"));
    bool moves = message || type.ends_with("_call") ||
                 type.ends_with("_output") || type == "reasoning";
    if (moves)
      add_missing(item, "status", "completed");
    if (message) {
      const JsonValue* content = item.find("content");
      bool assistant = item.find("role")->as_string() == "assistant";
      item.set(
          "content",
          content == nullptr ? JsonValue::array({})
                             : parts_of(*content, assistant));
    }
    items.items().push_back(std::move(item));
  }
  return items;
}

}  // namespace hadal
