// Where the grammars come from that an answer is held to.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "generation/token_constraint.h"
#include "hadal/result.h"
#include "text/chat_request.h"

namespace hadal {

// What one answer must look like.
struct ConstraintDemand {
  AnswerFormat answer_format;
  std::vector<JsonValue> tools;  // function objects, "strict" among members
  ToolChoice tool_choice = ToolChoice::automatic;
  bool parallel_tool_calls = true;
  // Where the prompt ended.
  ChatParserOptions::Start start = ChatParserOptions::Start::content;
  // The beginning of the answer that the prompt ended with, if any.
  std::string continued_text;
};

// Whether anything has to be enforced: a form of the answer, a call that must
// come, a tool with "strict": true.
bool demands_constraint(const ConstraintDemand& demand);

class ConstraintSource {
 public:
  virtual ~ConstraintSource() = default;
  // Any thread. Fails with the path of what cannot be honoured
  // ("response_format.json_schema.schema.properties.a.not").
  virtual Result<std::unique_ptr<TokenConstraint>> make(
      const ConstraintDemand& demand) = 0;
};

}  // namespace hadal
