// The grammars of src/generation/grammar as the API asks for them.
#pragma once

#include "generation/grammar/constraint_factory.h"
#include "hadal/chat.h"
#include "server/api/constraint_source.h"

namespace hadal {

// What is held, after the reasoning:
// - tool_choice required or named: the block of calls;
// - a form of the answer: the JSON, or with tools offered, it or a block;
// - tools with "strict" alone: any text, and blocks that follow their schemas.
class GrammarSource : public ConstraintSource {
 public:
  GrammarSource(const Tokenizer& tokenizer, ModelRevision revision);

  Result<std::unique_ptr<TokenConstraint>> make(
      const ConstraintDemand& demand) override;

 private:
  Result<std::unique_ptr<TokenConstraint>> calls(
      const ConstraintDemand& demand, ToolGrammarOptions::Start start);
  Result<std::unique_ptr<TokenConstraint>> answer(
      const ConstraintDemand& demand);
  Result<std::unique_ptr<TokenConstraint>> made(const ConstraintDemand& demand);

  Tokenizer tokenizer_;
  ModelRevision revision_;
  GrammarCache cache_;
};

}  // namespace hadal
