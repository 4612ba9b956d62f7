// Compiled grammars by the text of their schema, the last used first.
#include "generation/grammar/constraint_factory.h"

#include <fmt/format.h>

#include <chrono>
#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/check.h"
#include "generation/grammar/grammar_constraint.h"
#include "generation/grammar/schema_compiler.h"
#include "generation/grammar/tool_grammar.h"
#include "text/prompt_format.h"

namespace hadal {
namespace {

using GrammarPointer = std::shared_ptr<const Grammar>;

GrammarPointer compile_schema(
    const JsonValue& schema, const std::string& path, LeafPool& pool) {
  const SchemaDocument document(schema, path);
  JsonLeaves leaves(pool);
  GrammarBuilder builder;
  SchemaCompiler compiler(document, builder, leaves);
  const int32_t start = builder.add_node();
  const int32_t end = builder.add_node();
  builder.set_final(end);
  builder.add_edge(start, compiler.values({&schema}), end);
  compiler.finish();
  GrammarPointer grammar = builder.finish(start, pool.shared_trie());
  if (grammar == nullptr)
    document.refuse(
        schema, "", "no value satisfies the schema; remove what contradicts");
  return grammar;
}

// Texts that pass through the states in which most of the vocabulary may
// stand. What is found for them serves all grammars.
constexpr std::string_view kUsualJson =
    R"({"a": "b\u0041", "c": [-1.5, true, {"d)";
constexpr std::string_view kUsualCall =
    "<\xFFinvoke name=\"any\">\n<\xFFparameter name=\"a\" "
    "string=\"true\">b</d>";

void warm(const GrammarPointer& grammar, std::string_view text) {
  GrammarState state(grammar);
  std::vector<uint64_t> mask(
      (static_cast<size_t>(grammar->trie->vocabulary()) + 63) / 64);
  for (size_t i = 0; i < text.size(); ++i) {
    state.add_tokens(mask);
    HADAL_CHECK(state.push(text.substr(i, 1)));
  }
  state.add_tokens(mask);
}

std::string key_of(const ToolGrammarOptions& options) {
  std::string key = fmt::format(
      "tools {} {} {}",
      static_cast<int>(options.start),
      options.parallel,
      static_cast<int>(options.revision));
  for (const JsonValue& tool : options.tools)
    for (std::string_view field : {"name", "strict", "parameters"}) {
      const JsonValue* value = tool.find(field);
      key += value == nullptr ? "\nnothing" : "\n" + print_json(*value);
    }
  return key;
}

}  // namespace

struct GrammarCache::State {
  explicit State(const Tokenizer& tokenizer)
      : pool(std::make_shared<const TokenTrie>(tokenizer)) {}

  // The grammar of that key, compiled on a miss.
  template <class Compile>
  Result<GrammarPointer> grammar(
      const std::string& key, const std::string& path, const Compile& compile) {
    {
      std::lock_guard lock(mutex);
      auto known = places.find(key);
      if (known != places.end()) {
        order.splice(order.begin(), order, known->second);
        return order.front().second;
      }
    }
    GrammarPointer made;
    try {
      made = compile();
    } catch (const SchemaRefusal& refusal) {
      return refusal.failure;
    } catch (const GrammarRefusal& refusal) {
      return Failure{
          ErrorCode::invalid_argument,
          fmt::format("{}: {}", path, refusal.message),
          path};
    }
    std::lock_guard lock(mutex);
    if (!places.contains(key)) {
      order.emplace_front(key, made);
      places.emplace(key, order.begin());
    }
    while (order.size() > max_grammars) {
      places.erase(order.back().first);
      order.pop_back();
    }
    return made;
  }

  Result<std::unique_ptr<TokenConstraint>> constraint(
      const Result<GrammarPointer>& made,
      GrammarConstraint::Begin begin,
      bool starts_in_reasoning) const {
    if (!made.has_value())
      return made.error();
    return std::unique_ptr<TokenConstraint>(std::make_unique<GrammarConstraint>(
        *made, tokens, begin, starts_in_reasoning));
  }

  LeafPool pool;
  ConstraintTokens tokens;
  GrammarCacheInfo info;
  size_t max_grammars = 0;
  // Keep the leaves that most grammars share.
  GrammarPointer any_object;
  GrammarPointer any_tool;
  const JsonValue object_schema =
      JsonValue::object({{"type", JsonValue::string("object")}});

  std::mutex mutex;
  using Order = std::list<std::pair<std::string, GrammarPointer>>;
  Order order;  // the last used first
  std::unordered_map<std::string, Order::iterator> places;
};

GrammarCache::GrammarCache(
    const Tokenizer& tokenizer, const GrammarCacheOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  state_ = std::make_unique<State>(tokenizer);
  const TokenTrie& trie = state_->pool.trie();
  state_->max_grammars = options.max_grammars;
  state_->tokens.end_of_sentence = tokenizer.eos_id();
  state_->tokens.think_close = tokenizer.find(kThinkClose).value_or(-1);
  state_->any_object = compile_schema(state_->object_schema, "", state_->pool);
  warm(state_->any_object, kUsualJson);
  if (trie.marker_token() >= 0) {
    ToolGrammarOptions any;
    any.tools = {JsonValue::object(
        {{"name", JsonValue::string("any")},
         {"parameters", state_->object_schema}})};
    any.start = ToolGrammarOptions::Start::inside_block;
    state_->any_tool = tool_grammar(any, state_->pool);
    warm(state_->any_tool, kUsualCall);
  }
  const std::chrono::duration<double, std::milli> taken =
      std::chrono::steady_clock::now() - begin;
  state_->info = {
      static_cast<int64_t>(trie.nodes().size()),
      static_cast<int64_t>(trie.memory_bytes()),
      taken.count()};
}

GrammarCache::~GrammarCache() = default;

Result<std::unique_ptr<TokenConstraint>> GrammarCache::json_schema(
    const JsonValue& schema, const JsonGrammarOptions& options) {
  return state_->constraint(
      state_->grammar(
          "schema " + print_json(schema),
          options.path,
          [&] { return compile_schema(schema, options.path, state_->pool); }),
      GrammarConstraint::Begin::at_once,
      options.starts_in_reasoning);
}

Result<std::unique_ptr<TokenConstraint>> GrammarCache::json_object(
    const JsonGrammarOptions& options) {
  return state_->constraint(
      state_->any_object,
      GrammarConstraint::Begin::at_once,
      options.starts_in_reasoning);
}

Result<std::unique_ptr<TokenConstraint>> GrammarCache::tool_calls(
    const ToolGrammarOptions& options) {
  return state_->constraint(
      state_->grammar(
          key_of(options),
          options.path,
          [&] { return GrammarPointer(tool_grammar(options, state_->pool)); }),
      options.start == ToolGrammarOptions::Start::free_text
          ? GrammarConstraint::Begin::at_markup
          : GrammarConstraint::Begin::at_once,
      options.starts_in_reasoning);
}

GrammarCacheInfo GrammarCache::info() const {
  return state_->info;
}

}  // namespace hadal
