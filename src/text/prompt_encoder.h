// The prompt encoder: messages -> the exact text on which the model was
// trained, as spans of trusted template text and plain content. It is the model
// card's encoder, byte for byte (spec/text.md 2), with a few additions that are
// off by default and marked "ours".
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "hadal/result.h"
#include "hadal/spans.h"
#include "text/chat_message.h"
#include "text/prompt_format.h"

namespace hadal {

struct EncodeOptions {
  ModelRevision revision = ModelRevision::v4;
  // Chat mode when false: the reasoning is closed before the answer.
  bool thinking = true;
  // A word of the revision's own (PromptFormat::efforts), not a client's level.
  std::optional<std::string> effort;
  // Remove the reasoning of earlier turns, unless a message has tools.
  bool drop_thinking = true;
  bool add_bos = true;  // without a context only
  // Messages that were rendered before: they steer the rules and are not
  // printed.
  std::span<const ChatMessage> context;
  // All text counts as template text, so what users type may become control
  // tokens. For replaying official transcripts.
  bool special_in_content = false;

  // Ours, after the official recipe library: every assistant message and the
  // end of the prompt have their own assistant header, whatever stands before.
  bool separate_assistants = false;
  // Ours: leave the last header away; nothing is to be generated.
  bool generation_header = true;
  // Ours: the answer starts inside a block of tool calls (a forced call).
  bool open_tool_block = false;
  // Ours: "</tool_result>" inside a tool result is written as
  // "&lt;/tool_result>", so that a result cannot end itself.
  bool escape_tool_results = false;
};

// Fails for an unknown role, an unknown task or effort, an empty developer
// message. The Failure's field names the message by its index in the request.
Result<Spans> encode_prompt(
    std::span<const ChatMessage> messages, const EncodeOptions& options);

// Fill in the middle: the model writes what stands between prefix and suffix.
Spans encode_fill_in_middle(
    std::string_view prefix,
    std::string_view suffix,
    bool special_in_content = false);

// A raw prompt: the caller owns the template, so control tokens in the text are
// recognised. BOS stands in front unless it is there or `add_bos` is off.
Spans encode_raw(std::string_view text, bool add_bos = true);

// The names of the quick tasks (2.11), "action" among them.
bool is_quick_task(std::string_view name);
// "action, query, authority, domain, title, read_url": for messages.
std::string_view quick_task_names();

}  // namespace hadal
