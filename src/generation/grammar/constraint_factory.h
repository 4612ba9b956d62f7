// Constrained decoding: from a JSON Schema or a list of tools to the tokens
// that may come next.
//
//   GrammarCache grammars(tokenizer);               // once a server
//   auto made = grammars.json_schema(schema, {.starts_in_reasoning = true});
//   if (!made) return error_400(made.error());      // names the keyword
//   std::unique_ptr<TokenConstraint> constraint = std::move(made).value();
//   while (...) {
//     token = sampler.sample(logits, constraint->mask()).token;
//     constraint->accept(token);
//   }
//
// The way from text to masks, one file or two a step:
//
//   regex, text_automaton   what a text may be: a DFA over characters
//   byte_automaton          the same as bytes of the output (quoted, escaped)
//   grammar                 rules over such automata: what recursion needs
//   json_leaves             punctuation, strings and numbers of JSON
//   schema_*, tool_grammar  compile a JSON Schema, the DSML block of tool calls
//   token_trie              the vocabulary as a trie
//   state_tokens            for one state of one automaton: the tokens that
//                           stay inside it, and those that leave it with the
//                           bytes left over; found once, shared by all requests
//   grammar_state           the stacks after the output so far
//   grammar_constraint      masks and reasoning around it
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "generation/token_constraint.h"
#include "hadal/chat.h"
#include "hadal/result.h"
#include "hadal/tokenizer.h"
#include "text/json_value.h"

namespace hadal {

struct JsonGrammarOptions {
  // The prompt ends inside the reasoning: everything is allowed until the
  // model has written </think>.
  bool starts_in_reasoning = false;
  // Where the schema stands in the request, for messages.
  std::string path = "response_format.json_schema.schema";
};

struct ToolGrammarOptions {
  enum class Start {
    free_text,     // tool_choice auto: any text; a block follows the grammar
    block,         // required, named: the block, from its leading newlines on
    inside_block,  // the prompt ends with the block's opening tag and newline
  };
  // Function objects: {"name", "parameters", "strict", ...}. For a named
  // choice, that one alone. Parameters of a strict tool follow its schema or
  // the list is refused. Those of others follow it where it can be honoured,
  // except after free text, where only the form of the block is held.
  std::vector<JsonValue> tools;
  Start start = Start::block;
  bool parallel = true;  // more than one call in the block
  bool starts_in_reasoning = false;
  ModelRevision revision = ModelRevision::v4;
  // Where the list stands in the request, and the schema in one of its tools,
  // for messages: "tools[2].function.parameters".
  std::string path = "tools";
  std::string parameters_path = ".function.parameters";
};

struct GrammarCacheOptions {
  // Compiled grammars that are kept, the least recently used go first. Their
  // masks go with them.
  size_t max_grammars = 128;
};

// What the constructor made: the vocabulary's trie, and the tables of the
// states that nearly all grammars share.
struct GrammarCacheInfo {
  int64_t trie_nodes = 0;
  int64_t trie_bytes = 0;
  double build_ms = 0;  // of both
};

// Compiles grammars and keeps them. All calls are safe from any number of
// threads; compiling happens on the caller's. What it returns may outlive it.
//
// A refused schema is a Failure with ErrorCode::invalid_argument whose field is
// the keyword's path ("response_format.json_schema.schema.properties.a.not").
class GrammarCache {
 public:
  explicit GrammarCache(
      const Tokenizer& tokenizer, const GrammarCacheOptions& options = {});
  ~GrammarCache();
  GrammarCache(const GrammarCache&) = delete;
  GrammarCache& operator=(const GrammarCache&) = delete;

  // Text that is valid JSON and satisfies the schema.
  Result<std::unique_ptr<TokenConstraint>> json_schema(
      const JsonValue& schema, const JsonGrammarOptions& options = {});
  // Any JSON object.
  Result<std::unique_ptr<TokenConstraint>> json_object(
      const JsonGrammarOptions& options = {});
  // A block of calls of these tools.
  Result<std::unique_ptr<TokenConstraint>> tool_calls(
      const ToolGrammarOptions& options);

  GrammarCacheInfo info() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hadal
