// The parts of a prompt below the level of a message: the tools section, the
// format section, and the block of tool calls (spec/text.md 2.5, 2.6, 2.8).
#pragma once

#include <span>
#include <string_view>

#include "hadal/spans.h"
#include "text/chat_message.h"
#include "text/prompt_format.h"

namespace hadal {

// Collects the spans of a prompt. With special_in_content everything counts as
// template text, as in the official encoder.
class PromptWriter {
 public:
  explicit PromptWriter(bool special_in_content)
      : trust_content_(special_in_content) {}

  // Text that the template writes.
  void write(std::string_view text);
  // Text from a user, client or model.
  void write_content(std::string_view text);
  // Text with its own marks of trust.
  void write(const Spans& spans);

  Spans take() { return std::move(spans_); }

 private:
  Spans spans_;
  bool trust_content_;
};

// "## Tools ...", ending with a newline. `tools` are the function objects.
void write_tools_section(
    PromptWriter& writer,
    const PromptFormat& format,
    std::span<const JsonValue> tools);

// "## Response Format: ..." without a newline at the end. Writes nothing for
// AnswerFormat::Kind::any.
void write_format_section(
    PromptWriter& writer, const AnswerFormat& answer_format);

// The tag that opens a block of calls, with its newline.
std::string tool_block_opening(const PromptFormat& format);

// A tool result's text with "</tool_result>" in it written as
// "&lt;/tool_result>".
std::string escape_result_ends(std::string_view text);

// The block of calls, from its opening to its closing tag. Arguments:
// - JSON text of an object: one parameter a member, strings raw, other values
//   as JSON;
// - empty text: no parameters (the official encoder writes an empty one);
// - other text: one string parameter `arguments`;
// - a value that is not text: one JSON parameter `arguments`.
void write_tool_calls(
    PromptWriter& writer,
    const PromptFormat& format,
    std::span<const ChatToolCall> calls);

}  // namespace hadal
