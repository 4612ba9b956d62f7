// From a demand to the grammars that it needs.
#include "server/api/grammar_source.h"

#include "server/api/either_constraint.h"

namespace hadal {
namespace {

using Start = ChatParserOptions::Start;

bool starts_in_reasoning(const ConstraintDemand& demand) {
  return demand.start == Start::reasoning;
}

}  // namespace

GrammarSource::GrammarSource(const Tokenizer& tokenizer, ModelRevision revision)
    : tokenizer_(tokenizer), revision_(revision), cache_(tokenizer) {}

Result<std::unique_ptr<TokenConstraint>> GrammarSource::calls(
    const ConstraintDemand& demand, ToolGrammarOptions::Start start) {
  ToolGrammarOptions options;
  options.tools = demand.tools;
  options.start = start;
  options.parallel = demand.parallel_tool_calls;
  options.starts_in_reasoning = starts_in_reasoning(demand);
  options.revision = revision_;
  return cache_.tool_calls(options);
}

Result<std::unique_ptr<TokenConstraint>> GrammarSource::answer(
    const ConstraintDemand& demand) {
  JsonGrammarOptions options;
  options.starts_in_reasoning = starts_in_reasoning(demand);
  if (demand.answer_format.kind == AnswerFormat::Kind::json_object)
    return cache_.json_object(options);
  return cache_.json_schema(demand.answer_format.schema, options);
}

Result<std::unique_ptr<TokenConstraint>> GrammarSource::made(
    const ConstraintDemand& demand) {
  using Block = ToolGrammarOptions::Start;
  if (demand.tool_choice == ToolChoice::required ||
      demand.tool_choice == ToolChoice::named)
    return calls(
        demand,
        demand.start == Start::tool_block ? Block::inside_block : Block::block);
  if (demand.answer_format.kind == AnswerFormat::Kind::any)
    return calls(demand, Block::free_text);
  Result<std::unique_ptr<TokenConstraint>> text = answer(demand);
  if (!text.has_value() || demand.tools.empty())
    return text;
  Result<std::unique_ptr<TokenConstraint>> block = calls(demand, Block::block);
  if (!block.has_value())
    return block;
  return std::unique_ptr<TokenConstraint>(
      std::make_unique<EitherConstraint>(std::move(*text), std::move(*block)));
}

Result<std::unique_ptr<TokenConstraint>> GrammarSource::make(
    const ConstraintDemand& demand) {
  Result<std::unique_ptr<TokenConstraint>> constraint = made(demand);
  if (!constraint.has_value())
    return constraint;
  // An answer that is continued must fit up to here.
  for (int32_t id :
       tokenizer_.encode(demand.continued_text, SpecialTokens::as_text)) {
    if (!(*constraint)->mask().allows(id))
      return Failure{
          ErrorCode::invalid_argument,
          "the beginning of the answer in the last message does not follow it",
          "response_format"};
    (*constraint)->accept(id);
  }
  return constraint;
}

}  // namespace hadal
