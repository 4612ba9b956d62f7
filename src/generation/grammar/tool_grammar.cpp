// Tags around the calls of each tool.
#include "generation/grammar/tool_grammar.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "generation/grammar/call_grammar.h"
#include "text/prompt_format.h"

namespace hadal {
namespace {

class ToolGrammar {
 public:
  ToolGrammar(const ToolGrammarOptions& options, LeafPool& pool)
      : options_(options),
        format_(prompt_format(options.revision)),
        pool_(pool),
        leaves_(pool),
        calls_(format_, builder_, leaves_) {}

  std::unique_ptr<Grammar> build();

 private:
  std::string opening() const;
  // The rule of a call behind its opening tag.
  int32_t call_rule(const JsonValue& tool, size_t index);
  // Any names, any values: the form of a call.
  int32_t unchecked_rule();

  const ToolGrammarOptions& options_;
  const PromptFormat& format_;
  LeafPool& pool_;
  JsonLeaves leaves_;
  GrammarBuilder builder_;
  CallGrammar calls_;
  const JsonValue no_parameters_ = JsonValue::object(
      {{"type", JsonValue::string("object")},
       {"properties", JsonValue::object({})}});
  std::optional<int32_t> unchecked_rule_;  // made on first use
  const JsonValue any_parameters_ =
      JsonValue::object({{"type", JsonValue::string("object")}});
};

std::string ToolGrammar::opening() const {
  const std::string tag = calls_.open(format_.block_name) + ">\n";
  switch (options_.start) {
    case ToolGrammarOptions::Start::free_text:
      return tag;
    case ToolGrammarOptions::Start::block:
      return "\n\n" + tag;
    case ToolGrammarOptions::Start::inside_block:
      return "";
  }
  return tag;
}

std::unique_ptr<Grammar> ToolGrammar::build() {
  if (options_.tools.empty())
    throw SchemaRefusal{
        {ErrorCode::invalid_argument,
         fmt::format("{}: a choice of tools needs at least one", options_.path),
         options_.path}};
  if (options_.tools.size() > kMaxGrammarTools)
    throw SchemaRefusal{
        {ErrorCode::invalid_argument,
         fmt::format(
             "{}: {} tools are more than the limit of {}; offer fewer",
             options_.path,
             options_.tools.size(),
             kMaxGrammarTools),
         options_.path}};
  if (pool_.trie().marker_token() < 0)
    throw SchemaRefusal{
        {ErrorCode::unsupported,
         fmt::format(
             "{}: the model's tokenizer has no token {}, which calls of tools "
             "are written with",
             options_.path,
             kDsmlMarker),
         options_.path}};
  const int32_t calls = builder_.add_node();
  int32_t start = calls;
  if (const std::string text = opening(); !text.empty()) {
    start = builder_.add_node();
    calls_.add_markup(start, text, calls);
  }
  const int32_t name = builder_.add_node();
  const int32_t after_call = builder_.add_node();
  const int32_t end = builder_.add_node();
  builder_.set_final(end);
  const std::string invoke = calls_.open(format_.invoke_name) + " name=\"";
  calls_.add_markup(calls, invoke, name);
  if (options_.parallel)
    calls_.add_markup(after_call, invoke, name);
  calls_.add_markup(after_call, calls_.close(format_.block_name), end);
  for (size_t i = 0; i < options_.tools.size(); ++i) {
    const JsonValue& tool = options_.tools[i];
    const JsonValue* tool_name = tool.find("name");
    if (tool_name == nullptr || !tool_name->is_string())
      throw SchemaRefusal{
          {ErrorCode::invalid_argument,
           fmt::format("{}[{}]: a tool must have a name", options_.path, i),
           fmt::format("{}[{}]", options_.path, i)}};
    const int32_t body = builder_.add_node();
    calls_.add_markup(name, tool_name->as_string() + "\">\n", body);
    builder_.add_edge(body, {true, call_rule(tool, i)}, after_call);
  }
  return builder_.finish(start, pool_.shared_trie());
}

int32_t ToolGrammar::call_rule(const JsonValue& tool, size_t index) {
  const JsonValue* strict = tool.find("strict");
  const bool is_strict =
      strict != nullptr && strict->is_boolean() && strict->as_boolean();
  const JsonValue* given = tool.find("parameters");
  const JsonValue& parameters =
      given == nullptr || given->is_null() ? no_parameters_ : *given;
  const std::string path =
      fmt::format("{}[{}]{}", options_.path, index, options_.parameters_path);
  if (!is_strict && options_.start == ToolGrammarOptions::Start::free_text)
    return unchecked_rule();
  try {
    if (std::optional<int32_t> rule = calls_.rule(parameters, path))
      return *rule;
    if (is_strict)
      throw SchemaRefusal{
          {ErrorCode::invalid_argument,
           fmt::format(
               "{}: no arguments satisfy the schema; remove what contradicts",
               path),
           path}};
  } catch (const SchemaRefusal&) {
    if (is_strict)
      throw;
  }
  return unchecked_rule();
}

int32_t ToolGrammar::unchecked_rule() {
  if (!unchecked_rule_)
    unchecked_rule_ = calls_.rule(any_parameters_, options_.path);
  return unchecked_rule_.value();
}

}  // namespace

std::unique_ptr<Grammar> tool_grammar(
    const ToolGrammarOptions& options, LeafPool& pool) {
  return ToolGrammar(options, pool).build();
}

}  // namespace hadal
