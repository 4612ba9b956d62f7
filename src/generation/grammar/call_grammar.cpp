// Members of a schema as parameters in DSML.
#include "generation/grammar/call_grammar.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "generation/grammar/regex_parser.h"

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

}  // namespace

CallGrammar::CallGrammar(
    const PromptFormat& format, GrammarBuilder& builder, JsonLeaves& leaves)
    : format_(format), builder_(builder), leaves_(leaves) {}

std::string CallGrammar::open(std::string_view name) {
  return fmt::format("<{}{}", static_cast<char>(kMarkerByte), name);
}

std::string CallGrammar::close(std::string_view name) {
  return fmt::format("</{}{}>", static_cast<char>(kMarkerByte), name);
}

void CallGrammar::add_markup(int32_t from, std::string_view text, int32_t to) {
  builder_.add_edge(from, markup(text), to);
}

GrammarSymbol CallGrammar::markup(std::string_view text) {
  Terminal terminal = leaves_.literal(text);
  terminal.is_markup = true;
  return {false, builder_.add_terminal(std::move(terminal))};
}

std::optional<int32_t> CallGrammar::rule(
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

void CallGrammar::check_members(
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

void CallGrammar::add_members(
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

void CallGrammar::add_other_names(
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

void CallGrammar::add_value(
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

}  // namespace hadal
