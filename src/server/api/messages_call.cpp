// From chat events to blocks, and what is sent of them.
#include "server/api/messages_call.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "server/api/answer_json.h"
#include "server/api/api_error.h"
#include "server/api/base64.h"
#include "server/api/json_text.h"
#include "server/api/messages_blocks.h"

namespace hadal {
namespace {

constexpr std::string_view kPing = "{\"type\":\"ping\"}";

}  // namespace

std::string MessagesCall::started(size_t /*choice*/, const EngineStart& start) {
  prompt_tokens_ = start.prompt_tokens;
  cached_tokens_ = start.cached_tokens;
  if (!settings_.stream)
    return {};
  std::string message =
      message_json({}, R"("stop_reason":null,"stop_sequence":null)");
  send("message_start", JsonText().json("message", message).members());
  send("ping", "");
  return std::exchange(pending_, {});
}

std::string MessagesCall::update(
    size_t /*choice*/,
    std::span<const ChatEvent> events,
    std::span<const TokenInfo> /*tokens*/) {
  for (const ChatEvent& event : events)
    take(event);
  return std::exchange(pending_, {});
}

void MessagesCall::take(const ChatEvent& event) {
  switch (event.kind) {
    case ChatEvent::Kind::reasoning:
      take_text(Block::Kind::thinking, event.text);
      break;
    case ChatEvent::Kind::content:
      take_text(Block::Kind::text, event.text);
      break;
    case ChatEvent::Kind::tool_call_begin:
      open({Block::Kind::tool_use, "", event.id, event.name});
      break;
    case ChatEvent::Kind::tool_call_arguments:
      HADAL_CHECK(open_);
      blocks_.back().text += event.text;
      send_delta("input_json_delta", "partial_json", event.text);
      break;
    case ChatEvent::Kind::tool_call_end:
      HADAL_CHECK(open_);
      close();
      break;
  }
}

void MessagesCall::take_text(Block::Kind kind, const std::string& text) {
  if (!open_ || blocks_.back().kind != kind)
    open({kind, "", "", ""});
  blocks_.back().text += text;
  if (kind == Block::Kind::text)
    send_delta("text_delta", "text", text);
  else if (!settings_.hide_thinking)
    send_delta("thinking_delta", "thinking", text);
}

void MessagesCall::open(Block block) {
  if (open_)
    close();
  blocks_.push_back(std::move(block));
  open_ = true;
  JsonText json;
  json.integer("index", static_cast<int64_t>(blocks_.size()) - 1)
      .json("content_block", block_json(blocks_.back(), false));
  send("content_block_start", json.members());
}

void MessagesCall::close() {
  const Block& block = blocks_.back();
  if (block.kind == Block::Kind::thinking)
    send_delta("signature_delta", "signature", signature(block));
  JsonText json;
  json.integer("index", static_cast<int64_t>(blocks_.size()) - 1);
  send("content_block_stop", json.members());
  open_ = false;
}

std::string MessagesCall::end_choice(size_t /*choice*/, const ChoiceEnd& end) {
  end_ = end;
  prompt_tokens_ = end.prompt_tokens;
  cached_tokens_ = end.cached_tokens;
  bool unfinished_call = open_ && blocks_.back().kind == Block::Kind::tool_use;
  // A stream has announced it; a whole answer need not tell of it.
  if (unfinished_call && !settings_.stream) {
    blocks_.pop_back();
    open_ = false;
  }
  if (open_)
    close();
  // Clients fail on answers of nothing but thinking.
  bool tells_something =
      std::any_of(blocks_.begin(), blocks_.end(), [](const Block& block) {
        return block.kind != Block::Kind::thinking;
      });
  if (!tells_something) {
    open({Block::Kind::text, "", "", ""});
    close();
  }
  return std::exchange(pending_, {});
}

std::string MessagesCall::finish() {
  HADAL_CHECK(end_.has_value());
  if (!settings_.stream) {
    std::vector<std::string> content;
    for (const Block& block : blocks_)
      content.push_back(block_json(block, true));
    return message_json(content, stop_members());
  }
  JsonText json;
  json.json("delta", "{" + stop_members() + "}")
      .json("usage", usage_json())
      .json("timings", timings_json(*end_));
  send("message_delta", json.members());
  send("message_stop", "");
  return std::exchange(pending_, {});
}

std::string MessagesCall::fail(const ApiError& error) {
  return settings_.stream ? server_event("error", anthropic_error_json(error))
                          : std::string();
}

std::string MessagesCall::keep_alive(int64_t /*done*/, int64_t /*total*/) {
  return settings_.stream ? server_event("ping", kPing) : std::string("\n");
}

void MessagesCall::send(std::string_view type, std::string_view members) {
  if (!settings_.stream)
    return;
  JsonText json;
  json.text("type", type).members(members);
  pending_ += server_event(type, json.object());
}

void MessagesCall::send_delta(
    std::string_view type, std::string_view key, std::string_view text) {
  if (!settings_.stream || text.empty())
    return;
  JsonText delta;
  delta.text("type", type).text(key, text);
  JsonText json;
  json.integer("index", static_cast<int64_t>(blocks_.size()) - 1)
      .json("delta", delta.object());
  send("content_block_delta", json.members());
}

// Opaque to clients. It says which message the thinking belongs to, or is the
// thinking itself where the client does not want to see it.
std::string MessagesCall::signature(const Block& block) const {
  return settings_.hide_thinking
             ? std::string(kHiddenThinking) + encode_base64(block.text)
             : settings_.id;
}

std::string MessagesCall::block_json(const Block& block, bool whole) const {
  JsonText json;
  switch (block.kind) {
    case Block::Kind::thinking:
      json.text("type", "thinking")
          .text("thinking", whole && !settings_.hide_thinking ? block.text : "")
          .text("signature", whole ? signature(block) : "");
      break;
    case Block::Kind::text:
      json.text("type", "text").text("text", whole ? block.text : "");
      break;
    case Block::Kind::tool_use:
      json.text("type", "tool_use")
          .text("id", block.id)
          .text("name", block.name)
          .json("input", whole ? block.text : "{}");
      break;
  }
  return json.object();
}

// Of the prompt, `input_tokens` are what was not cached.
std::string MessagesCall::usage_json() const {
  JsonText json;
  json.integer("input_tokens", prompt_tokens_ - cached_tokens_)
      .integer("cache_creation_input_tokens", 0)
      .integer("cache_read_input_tokens", cached_tokens_)
      .integer("output_tokens", end_ ? end_->generated_tokens : 0);
  if (end_) {
    JsonText details;
    details.integer("thinking_tokens", end_->reasoning_tokens);
    json.json("output_tokens_details", details.object());
  }
  return json.object();
}

std::string MessagesCall::stop_members() const {
  std::string_view reason = "end_turn";
  if (end_->finish == ChatFinish::length)
    reason = "max_tokens";
  else if (end_->finish == ChatFinish::tool_calls)
    reason = "tool_use";
  else if (!end_->stop_string.empty())
    reason = "stop_sequence";
  JsonText json;
  json.text("stop_reason", reason);
  json.text_or_null(
      "stop_sequence",
      reason == "stop_sequence" ? std::string_view(end_->stop_string)
                                : std::string_view());
  return json.members();
}

std::string MessagesCall::message_json(
    const std::vector<std::string>& content,
    std::string_view stop_members) const {
  JsonText json;
  json.text("id", settings_.id)
      .text("type", "message")
      .text("role", "assistant")
      .text("model", settings_.model)
      .json("content", json_array(content))
      .members(stop_members)
      .json("usage", usage_json());
  if (end_)
    json.json("timings", timings_json(*end_));
  return json.object();
}

}  // namespace hadal
