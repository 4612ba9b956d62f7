// Whether and how hard the model thinks: the many fields that clients use, in
// order of priority (spec/text.md 2.4).
//
// On or off: thinking.type (or thinking as a bool), think,
// chat_template_kwargs.thinking and .enable_thinking, effort "none", the model
// aliases deepseek-chat (off) and deepseek-reasoner (on); else on.
// Level: reasoning_effort, output_config.effort, reasoning.effort,
// chat_template_kwargs.reasoning_effort, think as a string; else high.
#pragma once

#include <string>
#include <vector>

#include "text/chat_request.h"

namespace hadal {

// Sets thinking, level and effort_word. Unknown words count as absent, with a
// warning: clients keep inventing them. Throws RequestError for wrong types.
void read_thinking(
    const JsonValue& source,
    const RequestOptions& options,
    ChatRequest& request);

}  // namespace hadal
