// What ResponsesCall sends: the events, one by one, and the response object.
#include <fmt/format.h>

#include <utility>

#include "server/api/answer_json.h"
#include "server/api/json_text.h"
#include "server/api/responses_call.h"

namespace hadal {
namespace {

using Kind = OutputItem::Kind;
using Status = OutputItem::Status;

// Some clients' watchdogs count events and not comments: every so many
// keep-alives (five seconds each) an event is sent.
constexpr int kCommentsPerEvent = 12;

// The words with which an error is told; clients know few of them.
std::string_view failure_code(const ApiError& error) {
  if (!error.code.empty())
    return error.code;
  if (error.status == 429)
    return "rate_limit_exceeded";
  return error.status >= 500 ? "server_error" : "invalid_prompt";
}

}  // namespace

void ResponsesCall::send(std::string_view type, std::string_view members) {
  if (!settings_.stream)
    return;
  JsonText json;
  json.text("type", type)
      .integer("sequence_number", sequence_++)
      .members(members);
  pending_ += server_event(type, json.object());
}

void ResponsesCall::send_response(
    std::string_view type, std::string_view response) {
  send(type, JsonText().json("response", response).members());
}

void ResponsesCall::send_item(std::string_view type) {
  if (!settings_.stream)
    return;
  JsonText json;
  json.integer("output_index", static_cast<int64_t>(items_.size()) - 1)
      .json("item", item_json(items_.back(), settings_.forms));
  send(type, json.members());
}

void ResponsesCall::send_part(std::string_view type, std::string_view members) {
  if (!settings_.stream)
    return;
  const OutputItem& item = items_.back();
  JsonText json;
  json.text("item_id", item.id)
      .integer("output_index", static_cast<int64_t>(items_.size()) - 1);
  bool summary = item.kind == Kind::reasoning && settings_.forms.summary;
  if (item.kind == Kind::message || item.kind == Kind::reasoning)
    json.integer(summary ? "summary_index" : "content_index", 0);
  send(type, json.members(members).members());
}

void ResponsesCall::send_delta(
    std::string_view text, std::string_view logprobs) {
  if (text.empty() || !settings_.stream)
    return;
  const OutputItem& item = items_.back();
  JsonText delta;
  delta.text("delta", text);
  switch (item.kind) {
    case Kind::reasoning:
      send_part(
          settings_.forms.summary ? "response.reasoning_summary_text.delta"
                                  : "response.reasoning_text.delta",
          delta.members());
      break;
    case Kind::message:
      delta.json("logprobs", fmt::format("[{}]", logprobs));
      send_part("response.output_text.delta", delta.members());
      break;
    case Kind::function_call:
      send_part("response.function_call_arguments.delta", delta.members());
      break;
    case Kind::custom_call:
      send_part("response.custom_tool_call_input.delta", delta.members());
      break;
  }
}

// Texts belong to the one part of their item.
void ResponsesCall::send_part_added() {
  const OutputItem& item = items_.back();
  JsonText part;
  part.json("part", part_json(item, settings_.forms, ""));
  if (item.kind == Kind::message)
    send_part("response.content_part.added", part.members());
  else if (item.kind == Kind::reasoning)
    send_part(
        settings_.forms.summary ? "response.reasoning_summary_part.added"
                                : "response.content_part.added",
        part.members());
}

void ResponsesCall::send_ends() {
  if (!settings_.stream)
    return;
  const OutputItem& item = items_.back();
  JsonText text;
  JsonText part;
  switch (item.kind) {
    case Kind::reasoning:
      text.text("text", item.text);
      part.json("part", part_json(item, settings_.forms, item.text));
      send_part(
          settings_.forms.summary ? "response.reasoning_summary_text.done"
                                  : "response.reasoning_text.done",
          text.members());
      send_part(
          settings_.forms.summary ? "response.reasoning_summary_part.done"
                                  : "response.content_part.done",
          part.members());
      break;
    case Kind::message:
      text.text("text", item.text)
          .json("logprobs", fmt::format("[{}]", item.logprobs));
      part.json("part", part_json(item, settings_.forms, item.text));
      send_part("response.output_text.done", text.members());
      send_part("response.content_part.done", part.members());
      break;
    case Kind::function_call:
      text.text("name", item.name).text("arguments", item.text);
      send_part("response.function_call_arguments.done", text.members());
      break;
    case Kind::custom_call:
      text.text("input", item.text);
      send_part("response.custom_tool_call_input.done", text.members());
      break;
  }
}

std::string ResponsesCall::response_json(
    std::string_view status, std::string_view failure) const {
  std::vector<std::string> output;
  for (const OutputItem& item : items_)
    output.push_back(item_json(item, settings_.forms));
  JsonText json;
  json.text("id", settings_.id)
      .text("object", "response")
      .integer("created_at", settings_.created)
      .text("status", status);
  if (status == "completed")
    json.integer("completed_at", sources_.unix_seconds());
  json.json("error", failure);
  if (status == "incomplete")
    json.json("incomplete_details", R"({"reason":"max_output_tokens"})");
  else
    json.null("incomplete_details");
  json.text("model", settings_.model)
      .json("output", json_array(output))
      .json("usage", usage_json())
      .members(settings_.echo);
  if (end_)
    json.json("timings", timings_json(*end_));
  return json.object();
}

std::string ResponsesCall::usage_json() const {
  if (!end_)
    return "null";
  JsonText input;
  input.integer("cached_tokens", end_->cached_tokens)
      .integer("cache_write_tokens", 0);
  JsonText output;
  output.integer("reasoning_tokens", end_->reasoning_tokens);
  JsonText usage;
  usage.integer("input_tokens", end_->prompt_tokens)
      .json("input_tokens_details", input.object())
      .integer("output_tokens", end_->generated_tokens)
      .json("output_tokens_details", output.object())
      .integer("total_tokens", end_->prompt_tokens + end_->generated_tokens);
  return usage.object();
}

std::string ResponsesCall::fail(const ApiError& error) {
  if (!settings_.stream)
    return {};
  if (open_)
    items_.back().status = Status::incomplete;
  JsonText failure;
  failure.text("code", failure_code(error)).text("message", error.message);
  send_response("response.failed", response_json("failed", failure.object()));
  return std::exchange(pending_, {});
}

std::string ResponsesCall::keep_alive(int64_t done, int64_t total) {
  if (!settings_.stream)
    return "\n";
  pending_ += done < total ? fmt::format(": prefill {}/{}\n\n", done, total)
                           : std::string(": keep-alive\n\n");
  if (++quiet_ % kCommentsPerEvent == 0)
    send_response("response.in_progress", response_json("in_progress", "null"));
  return std::exchange(pending_, {});
}

}  // namespace hadal
