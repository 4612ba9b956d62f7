// What is remembered of a generated turn with tool calls.
#pragma once

#include <string>
#include <vector>

#include "hadal/chat.h"
#include "hadal/spans.h"

namespace hadal {

// One generated turn: as told to the client, and as generated. Trusted spans
// are tokens that the model wrote as control tokens.
struct ReplayTurn {
  std::string reasoning;
  std::string content;
  std::vector<ToolCall> calls;
  // Empty: the parts are printed by the encoder.
  Spans raw_reasoning;
  Spans raw_answer;
};

}  // namespace hadal
