// Writing items.
#include "server/api/responses_output.h"

#include "server/api/json_text.h"
#include "server/api/responses_parts.h"

namespace hadal {
namespace {

std::string_view status_word(OutputItem::Status status) {
  switch (status) {
    case OutputItem::Status::completed:
      return "completed";
    case OutputItem::Status::incomplete:
      return "incomplete";
    case OutputItem::Status::in_progress:
      break;
  }
  return "in_progress";
}

std::string list_of(const std::string& part) {
  return "[" + part + "]";
}

std::string reasoning_json(
    const OutputItem& item, const ResponseForms& forms, JsonText json) {
  bool told = item.status != OutputItem::Status::in_progress;
  std::string part = told ? part_json(item, forms, item.text) : "";
  json.json("summary", list_of(forms.summary ? part : ""));
  if (told && !forms.summary)
    json.json("content", list_of(part));
  if (told && forms.encrypted_reasoning)
    json.text("encrypted_content", packed_reasoning(item.text));
  return json.object();
}

}  // namespace

std::string_view id_prefix(OutputItem::Kind kind) {
  switch (kind) {
    case OutputItem::Kind::reasoning:
      return "rs_";
    case OutputItem::Kind::function_call:
      return "fc_";
    case OutputItem::Kind::custom_call:
      return "ctc_";
    case OutputItem::Kind::message:
      break;
  }
  return "msg_";
}

std::string part_json(
    const OutputItem& item, const ResponseForms& forms, std::string_view text) {
  JsonText json;
  if (item.kind == OutputItem::Kind::reasoning) {
    json.text("type", forms.summary ? "summary_text" : "reasoning_text")
        .text("text", text);
    return json.object();
  }
  json.text("type", "output_text").text("text", text).json("annotations", "[]");
  if (forms.logprobs)
    json.json("logprobs", list_of(text.empty() ? "" : item.logprobs));
  return json.object();
}

std::string item_json(const OutputItem& item, const ResponseForms& forms) {
  bool told = item.status != OutputItem::Status::in_progress;
  JsonText json;
  json.text("id", item.id);
  switch (item.kind) {
    case OutputItem::Kind::reasoning:
      json.text("type", "reasoning").text("status", status_word(item.status));
      return reasoning_json(item, forms, std::move(json));
    case OutputItem::Kind::message:
      json.text("type", "message")
          .text("status", status_word(item.status))
          .text("role", "assistant")
          .json(
              "content",
              list_of(told ? part_json(item, forms, item.text) : ""));
      return json.object();
    case OutputItem::Kind::function_call:
    case OutputItem::Kind::custom_call:
      break;
  }
  bool custom = item.kind == OutputItem::Kind::custom_call;
  json.text("type", custom ? "custom_tool_call" : "function_call")
      .text("status", status_word(item.status))
      .text("call_id", item.call_id);
  if (!item.name_space.empty())
    json.text("namespace", item.name_space);
  json.text("name", item.name)
      .text(custom ? "input" : "arguments", told ? item.text : "");
  return json.object();
}

}  // namespace hadal
