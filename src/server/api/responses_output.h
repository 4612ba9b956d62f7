// The items of an answer in the form of the Responses API.
#pragma once

#include <string>
#include <string_view>

namespace hadal {

// Which forms of reasoning and text the request asked for.
struct ResponseForms {
  // The reasoning is told as a summary, whole, instead of as content.
  bool summary = false;
  bool encrypted_reasoning = false;
  bool logprobs = false;
};

struct OutputItem {
  enum class Kind { reasoning, message, function_call, custom_call };
  enum class Status { in_progress, completed, incomplete };

  Kind kind = Kind::message;
  Status status = Status::in_progress;
  std::string id;
  // Reasoning, message text, arguments as JSON text, or a custom tool's input:
  // as much as there is by now.
  std::string text;
  std::string logprobs;  // of a message: JSON values with commas between

  // Of calls.
  std::string call_id;
  std::string name;
  std::string name_space;  // empty: none
};

// "rs_", "msg_", "fc_", "ctc_": how ids of its items begin.
std::string_view id_prefix(OutputItem::Kind kind);

// The item as it stands. While it is in progress its content is not told.
std::string item_json(const OutputItem& item, const ResponseForms& forms);

// {"type":"output_text",...}, {"type":"summary_text",...} or
// {"type":"reasoning_text",...}: the one part of a message or of reasoning.
std::string part_json(
    const OutputItem& item, const ResponseForms& forms, std::string_view text);

}  // namespace hadal
