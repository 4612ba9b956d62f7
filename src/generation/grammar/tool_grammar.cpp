// Tags around the parameters of each tool.
#include "generation/grammar/tool_grammar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "generation/grammar/regex_parser.h"
#include "generation/grammar/schema_compiler.h"
#include "text/prompt_format.h"

namespace hadal {
namespace {

// Names of parameters stand raw between quotes.
constexpr std::string_view kNamePattern = "^[^\"<>&\\n\\r\\t]{1,64}$";

// The texts with a quote behind each; none contains one.
TextAutomaton with_closing_quote(TextAutomaton texts) {
  const int32_t end = static_cast<int32_t>(texts.states.size());
  for (TextState& state : texts.states) {
    if (!std::exchange(state.accepts, false))
      continue;
    auto place = state.edges.begin();
    while (place != state.edges.end() && place->first < '"')
      ++place;
    state.edges.insert(place, {'"', '"', end});
  }
  texts.states.push_back({true, {}});
  return texts;
}

class ToolGrammar {
 public:
  ToolGrammar(const ToolGrammarOptions& options, LeafPool& pool)
      : options_(options),
        format_(prompt_format(options.revision)),
        pool_(pool),
        leaves_(pool) {}

  std::unique_ptr<Grammar> build();

 private:
  using Members = SchemaCompiler::Members;

  std::string open(std::string_view name) const {
    return fmt::format("<{}{}", static_cast<char>(kMarkerByte), name);
  }
  std::string close(std::string_view name) const {
    return fmt::format("</{}{}>", static_cast<char>(kMarkerByte), name);
  }
  GrammarSymbol markup(std::string_view text);
  void add_markup(int32_t from, std::string_view text, int32_t to) {
    builder_.add_edge(from, markup(text), to);
  }
  std::string opening() const;
  // The rule of a call behind its opening tag.
  int32_t call_rule(const JsonValue& tool, size_t index);
  std::optional<int32_t> checked_rule(
      const JsonValue& parameters, const std::string& path);
  int32_t unchecked_rule();
  void add_members(
      SchemaCompiler& compiler,
      const SchemaSet& schemas,
      int32_t start,
      int32_t end);
  // From behind a parameter's opening tag up to its name, to the place behind
  // its closing tag.
  void add_value(
      SchemaCompiler& compiler,
      const SchemaSet& schemas,
      int32_t named,
      int32_t done);
  void add_other_names(
      SchemaCompiler& compiler,
      const Members::Others& others,
      int32_t from,
      int32_t done);
  // Refuses what cannot be written in a call, or is not counted.
  void check_members(
      const SchemaDocument& document, const Members& members) const;

  const ToolGrammarOptions& options_;
  const PromptFormat& format_;
  LeafPool& pool_;
  JsonLeaves leaves_;
  GrammarBuilder builder_;
  const JsonValue no_parameters_ = JsonValue::object(
      {{"type", JsonValue::string("object")},
       {"properties", JsonValue::object({})}});
  const JsonValue any_parameters_ =
      JsonValue::object({{"type", JsonValue::string("object")}});
};

GrammarSymbol ToolGrammar::markup(std::string_view text) {
  Terminal terminal = leaves_.literal(text);
  terminal.is_markup = true;
  return {false, builder_.add_terminal(std::move(terminal))};
}

std::string ToolGrammar::opening() const {
  const std::string tag = open(format_.block_name) + ">\n";
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
    add_markup(start, text, calls);
  }
  const int32_t name = builder_.add_node();
  const int32_t after_call = builder_.add_node();
  const int32_t end = builder_.add_node();
  builder_.set_final(end);
  const std::string invoke = open(format_.invoke_name) + " name=\"";
  add_markup(calls, invoke, name);
  if (options_.parallel)
    add_markup(after_call, invoke, name);
  add_markup(after_call, close(format_.block_name), end);
  for (size_t i = 0; i < options_.tools.size(); ++i) {
    const JsonValue& tool = options_.tools[i];
    const JsonValue* tool_name = tool.find("name");
    if (tool_name == nullptr || !tool_name->is_string())
      throw SchemaRefusal{
          {ErrorCode::invalid_argument,
           fmt::format("{}[{}]: a tool must have a name", options_.path, i),
           fmt::format("{}[{}]", options_.path, i)}};
    const int32_t body = builder_.add_node();
    add_markup(name, tool_name->as_string() + "\">\n", body);
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
    if (std::optional<int32_t> rule = checked_rule(parameters, path))
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

std::optional<int32_t> ToolGrammar::checked_rule(
    const JsonValue& parameters, const std::string& path) {
  const SchemaDocument document(parameters, path);
  SchemaCompiler compiler(document, builder_, leaves_);
  const int32_t rule = builder_.add_rule();
  const int32_t start = builder_.add_node();
  const int32_t end = builder_.add_node();
  builder_.set_start(rule, start);
  builder_.set_final(end);
  for (const SchemaSet& one : compiler.alternatives({&parameters}))
    if ((compiler.kinds_of(one) & kObjectValues) != 0) {
      check_members(document, compiler.members_of(one));
      add_members(compiler, one, start, end);
    }
  compiler.finish();
  return builder_.is_productive(rule) ? std::optional(rule) : std::nullopt;
}

// Any names, any values: the form of a call.
int32_t ToolGrammar::unchecked_rule() {
  return checked_rule(any_parameters_, options_.path).value();
}

void ToolGrammar::check_members(
    const SchemaDocument& document, const Members& members) const {
  static const TextAutomaton names =
      texts_with_match(parse_pattern(kNamePattern));
  for (const std::string& name : members.names)
    if (!names.accepts(name))
      document.refuse(
          document.root(),
          "properties",
          fmt::format(
              "the name '{}' cannot be written in a call; use 1 to 64 "
              "characters without quotes, angle brackets, & and line breaks",
              name));
  const int64_t count = static_cast<int64_t>(members.names.size());
  const int64_t required =
      std::count(members.required.begin(), members.required.end(), true);
  if (members.min > required)
    document.refuse(
        document.root(),
        "minProperties",
        "counts of parameters are not supported; use required");
  if (members.max >= 0 && (members.max < count || !members.others.empty()))
    document.refuse(
        document.root(),
        "maxProperties",
        "counts of parameters are not supported; leave the keyword out");
}

void ToolGrammar::add_members(
    SchemaCompiler& compiler,
    const SchemaSet& schemas,
    int32_t start,
    int32_t end) {
  const Members members = compiler.members_of(schemas);
  const std::string parameter = open(format_.parameter_name) + " name=\"";
  const GrammarSymbol close_call = markup(close(format_.invoke_name) + "\n");
  // places[i][w]: the i-th member may come next, w: some came.
  const size_t count = members.names.size();
  std::vector<std::array<int32_t, 2>> keys(count + 1);
  std::vector<std::array<int32_t, 2>> after(count + 1);
  bool is_needed = false;
  for (size_t i = count + 1; i-- > 0;) {
    is_needed = is_needed || (i < count && members.required[i]);
    for (size_t w = 0; w < 2; ++w) {
      keys[i][w] = builder_.add_node();
      after[i][w] = w == 0 ? start : builder_.add_node();
      if (w == 1 || i == 0)
        add_markup(after[i][w], parameter, keys[i][w]);
      if (is_needed || (w == 0 && i > 0))
        continue;
      if (w == 0)
        add_markup(start, "\n" + close(format_.invoke_name) + "\n", end);
      else
        builder_.add_edge(after[i][w], close_call, end);
    }
  }
  for (size_t i = 0; i < count; ++i)
    for (size_t w = 0; w < 2; ++w) {
      if (!members.required[i])
        builder_.skip(keys[i][w], keys[i + 1][w]);
      const std::optional<SchemaSet> value =
          compiler.member_schemas(schemas, members.names[i]);
      if (!value)
        continue;
      const int32_t named = builder_.add_node();
      add_markup(keys[i][w], members.names[i] + "\"", named);
      add_value(compiler, *value, named, after[i + 1][1]);
    }
  for (const Members::Others& others : members.others)
    for (size_t w = 0; w < 2; ++w)
      add_other_names(compiler, others, keys[count][w], after[count][1]);
}

void ToolGrammar::add_other_names(
    SchemaCompiler& compiler,
    const Members::Others& others,
    int32_t from,
    int32_t done) {
  const TextAutomaton names =
      intersect(others.names, texts_with_match(parse_pattern(kNamePattern)));
  if (names.empty())
    return;
  const int32_t named = builder_.add_node();
  builder_.add_edge(
      from,
      {false, builder_.add_terminal(*leaves_.raw(with_closing_quote(names)))},
      named);
  add_value(compiler, others.schemas, named, done);
}

void ToolGrammar::add_value(
    SchemaCompiler& compiler,
    const SchemaSet& schemas,
    int32_t named,
    int32_t done) {
  const std::string closing = fmt::format("{}>\n", format_.parameter_name);
  const std::vector<GrammarSymbol> strings = compiler.marked_strings(schemas);
  if (!strings.empty()) {
    const int32_t value = builder_.add_node();
    const int32_t marked = builder_.add_node();
    add_markup(named, " string=\"true\">", value);
    for (GrammarSymbol symbol : strings)
      builder_.add_edge(value, symbol, marked);
    add_markup(marked, closing, done);
  }
  const int32_t value = builder_.add_node();
  const int32_t valued = builder_.add_node();
  add_markup(named, " string=\"false\">", value);
  builder_.add_edge(
      value,
      compiler.values(
          schemas, static_cast<ValueKinds>(kAllValues & ~kStringValues)),
      valued);
  add_markup(valued, close(format_.parameter_name) + "\n", done);
}

}  // namespace

std::unique_ptr<Grammar> tool_grammar(
    const ToolGrammarOptions& options, LeafPool& pool) {
  return ToolGrammar(options, pool).build();
}

}  // namespace hadal
