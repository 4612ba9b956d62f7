// Blocks of tool calls: what they may be, and that the output parser reads all
// that the grammar lets through.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "generation/grammar/schema_check.h"
#include "generation/grammar/testing/grammar_walk.h"
#include "text/parser_test_tools.h"
#include "text/tokenizer_test_files.h"

namespace hadal {
namespace {

using Start = ToolGrammarOptions::Start;

const std::string kOpen = "<｜DSML｜tool_calls>\n";
const std::string kClose = "</｜DSML｜tool_calls>";

std::string invoke(const std::string& name, const std::string& body) {
  return "<｜DSML｜invoke name=\"" + name + "\">\n" + body +
         "</｜DSML｜invoke>\n";
}

std::string parameter(
    const std::string& name,
    const std::string& is_string,
    const std::string& value) {
  return "<｜DSML｜parameter name=\"" + name + "\" string=\"" + is_string +
         "\">" + value + "</｜DSML｜parameter>\n";
}

JsonValue weather() {
  return parse_json(R"({"name":"get_weather","parameters":{"type":"object",
    "properties":{"city":{"type":"string"},"days":{"type":"integer",
    "minimum":1},"unit":{"enum":["c","f",7]}},"required":["city"]}})")
      .value();
}

JsonValue now() {
  return parse_json(R"({"name":"now"})").value();
}

JsonValue with_strict(JsonValue tool) {
  tool.set("strict", JsonValue::boolean(true));
  return tool;
}

GrammarCache& grammars() {
  static GrammarCache cache(nano_tokenizer());
  return cache;
}

ToolGrammarOptions options_of(
    std::vector<JsonValue> tools, Start start = Start::block) {
  ToolGrammarOptions options;
  options.tools = std::move(tools);
  options.start = start;
  return options;
}

bool accepts(const ToolGrammarOptions& options, const std::string& text) {
  return accepts_text(
      *grammars().tool_calls(options).value(), nano_tokenizer(), text);
}

// The calls in a block after its newlines.
bool accepts_calls(
    const std::string& calls,
    std::vector<JsonValue> tools,
    bool parallel = true) {
  ToolGrammarOptions options = options_of(std::move(tools));
  options.parallel = parallel;
  return accepts(options, "\n\n" + kOpen + calls + kClose);
}

TEST(ToolGrammar, CallsAsTrained) {
  const std::vector<JsonValue> tools = {weather(), now()};
  const std::string city = parameter("city", "true", "Paris");
  for (const std::string& calls :
       {invoke("get_weather", city),
        invoke("now", "\n"),
        invoke("get_weather", city + parameter("days", "false", "3")),
        invoke("get_weather", city + parameter("unit", "true", "c")),
        invoke("get_weather", city + parameter("unit", "false", "7")),
        invoke("get_weather", parameter("city", "true", "")),
        invoke("now", "\n") + invoke("get_weather", city),
        invoke(
            "get_weather", parameter("city", "true", "a <b> </c> \"<\n<</"))})
    EXPECT_TRUE(accepts_calls(calls, tools)) << calls;
  for (const std::string& calls :
       {std::string(),
        invoke("get_weather", "\n"),
        invoke("now", ""),
        invoke("now", city),
        invoke("later", "\n"),
        invoke("get_weather", parameter("town", "true", "Paris")),
        invoke("get_weather", parameter("city", "false", "\"Paris\"")),
        invoke("get_weather", city + parameter("days", "true", "3")),
        invoke("get_weather", city + parameter("days", "false", "0")),
        invoke("get_weather", city + parameter("days", "false", " 3")),
        invoke("get_weather", city + parameter("unit", "true", "7")),
        invoke("get_weather", city + city),
        invoke("get_weather", parameter("days", "false", "3") + city)})
    EXPECT_FALSE(accepts_calls(calls, tools)) << calls;
}

TEST(ToolGrammar, RawTextHoldsNoClosingMarkup) {
  for (const char* value :
       {"</|DSML|x", "</ | DSML", "</DSML｜", "</‖DSML‖", "a</｜"})
    EXPECT_FALSE(accepts_calls(
        invoke("get_weather", parameter("city", "true", value)), {weather()}))
        << value;
  for (const char* value :
       {"</div>", "</ p>", "<|x|>", "DSML", "</D", "<", "</", "</<", "a</b</"})
    EXPECT_TRUE(accepts_calls(
        invoke("get_weather", parameter("city", "true", value)), {weather()}))
        << value;
}

TEST(ToolGrammar, LengthsOfRawText) {
  const JsonValue tool = parse_json(R"({"name":"say","strict":true,
    "parameters":{"type":"object","properties":{"t":{"type":"string",
    "minLength":2,"maxLength":4}},"required":["t"]}})")
                             .value();
  for (const char* value : {"ab", "abcd", "<<<<", "</a", "日本</", "a<", "</"})
    EXPECT_TRUE(
        accepts_calls(invoke("say", parameter("t", "true", value)), {tool}))
        << value;
  for (const char* value : {"", "a", "<", "abcde", "<<<<<", "abc</", "</abc"})
    EXPECT_FALSE(
        accepts_calls(invoke("say", parameter("t", "true", value)), {tool}))
        << value;
}

TEST(ToolGrammar, PatternsAndValuesOfRawText) {
  const JsonValue tool = parse_json(R"({"name":"say","strict":true,
    "parameters":{"type":"object","properties":{"p":{"type":"string",
    "pattern":"^<[a-z/]+>$"},"e":{"enum":["</x>","</｜DSML｜"]}},
    "required":["p"]}})")
                             .value();
  EXPECT_TRUE(
      accepts_calls(invoke("say", parameter("p", "true", "</b>")), {tool}));
  EXPECT_FALSE(
      accepts_calls(invoke("say", parameter("p", "true", "<B>")), {tool}));
  EXPECT_TRUE(accepts_calls(
      invoke(
          "say",
          parameter("p", "true", "<b>") + parameter("e", "true", "</x>")),
      {tool}));
}

TEST(ToolGrammar, OneCallWhenNotParallel) {
  EXPECT_TRUE(accepts_calls(invoke("now", "\n"), {now()}, false));
  EXPECT_FALSE(
      accepts_calls(invoke("now", "\n") + invoke("now", "\n"), {now()}, false));
}

TEST(ToolGrammar, StartsInsideTheBlock) {
  EXPECT_TRUE(accepts(
      options_of({now()}, Start::inside_block), invoke("now", "\n") + kClose));
}

TEST(ToolGrammar, ToolsWithoutParametersOfTheirOwn) {
  const JsonValue any =
      parse_json(R"({"name":"any","parameters":{"type":"object"}})").value();
  EXPECT_TRUE(accepts_calls(invoke("any", "\n"), {any}));
  EXPECT_TRUE(accepts_calls(
      invoke(
          "any",
          parameter("x", "true", "1") + parameter("y", "false", "[1, 2]")),
      {any}));
  EXPECT_FALSE(
      accepts_calls(invoke("any", parameter("a\"b", "true", "1")), {any}));
}

TEST(ToolGrammar, FreeTextUntilTheMarkup) {
  const ToolGrammarOptions options =
      options_of({with_strict(weather()), now()}, Start::free_text);
  auto constraint = grammars().tool_calls(options).value();
  const Tokenizer& tokenizer = nano_tokenizer();
  EXPECT_TRUE(constraint->mask().everything());
  ASSERT_TRUE(
      follows(*constraint, byte_tokens(tokenizer, "I look. <b>\n\n<｜DSML｜")));
  EXPECT_FALSE(constraint->mask().everything());
  EXPECT_TRUE(constraint->wants_greedy());
  auto wrong = constraint->clone();
  EXPECT_FALSE(follows(
      *wrong,
      byte_tokens(tokenizer, "tool_calls>\n" + invoke("get_weather", "\n"))));
  EXPECT_TRUE(accepts_text(
      *constraint,
      tokenizer,
      "tool_calls>\n" +
          invoke("get_weather", parameter("city", "true", "Rome")) + kClose));
  // A tool that is not strict keeps the form of a call, but no schema.
  EXPECT_TRUE(accepts_text(
      *constraint,
      tokenizer,
      "tool_calls>\n" + invoke("now", parameter("zone", "false", "1")) +
          kClose));
}

TEST(ToolGrammar, FreeTextMayEndWithoutACall) {
  auto constraint =
      grammars().tool_calls(options_of({now()}, Start::free_text)).value();
  const Tokenizer& tokenizer = nano_tokenizer();
  // The marker without "<" before it is text.
  EXPECT_TRUE(accepts_text(*constraint, tokenizer, "about ｜DSML｜ tags"));
  constraint->accept(tokenizer.eos_id());
  EXPECT_FALSE(constraint->mask().everything());
  EXPECT_TRUE(constraint->mask().allows(tokenizer.eos_id()));
}

// The marker spelled with ordinary tokens starts a block as well.
TEST(ToolGrammar, FreeTextKnowsTheSpelledMarker) {
  auto constraint =
      grammars().tool_calls(options_of({now()}, Start::free_text)).value();
  const Tokenizer& tokenizer = nano_tokenizer();
  for (char byte : std::string("x <｜DSML｜tool"))
    constraint->accept(tokenizer.find(std::string(1, byte)).value());
  EXPECT_FALSE(constraint->mask().everything());
  EXPECT_TRUE(accepts_text(
      *constraint, tokenizer, "_calls>\n" + invoke("now", "\n") + kClose));
}

TEST(ToolGrammar, WaitsForTheEndOfTheReasoning) {
  const Tokenizer& tokenizer = nano_tokenizer();
  ToolGrammarOptions options = options_of({now()});
  options.starts_in_reasoning = true;
  auto constraint = grammars().tool_calls(options).value();
  ASSERT_TRUE(follows(
      *constraint,
      byte_tokens(tokenizer, "I quote <｜DSML｜tool_calls> here")));
  EXPECT_TRUE(constraint->mask().everything());
  EXPECT_FALSE(constraint->wants_greedy());
  constraint->accept(tokenizer.find("</think>").value());
  EXPECT_FALSE(constraint->mask().everything());
  EXPECT_TRUE(accepts_text(
      *constraint, tokenizer, "\n\n" + kOpen + invoke("now", "\n") + kClose));

  auto json = grammars().json_object({.starts_in_reasoning = true}).value();
  ASSERT_TRUE(follows(*json, byte_tokens(tokenizer, "no JSON yet")));
  json->accept(tokenizer.find("</think>").value());
  EXPECT_TRUE(accepts_text(*json, tokenizer, "{}"));
  EXPECT_FALSE(accepts_text(*json, tokenizer, "x"));
}

TEST(ToolGrammar, GreedyInTagsOnly) {
  const Tokenizer& tokenizer = nano_tokenizer();
  auto constraint = grammars().tool_calls(options_of({weather()})).value();
  const std::string head =
      "\n\n" + kOpen + "<｜DSML｜invoke name=\"get_weather\"";
  for (int32_t token : byte_tokens(tokenizer, head)) {
    EXPECT_TRUE(constraint->wants_greedy());
    constraint->accept(token);
  }
  ASSERT_TRUE(follows(
      *constraint,
      byte_tokens(
          tokenizer, ">\n<｜DSML｜parameter name=\"city\" string=\"true\">")));
  EXPECT_FALSE(constraint->wants_greedy());
  ASSERT_TRUE(follows(*constraint, byte_tokens(tokenizer, "Paris</｜DSML｜")));
  EXPECT_TRUE(constraint->wants_greedy());
}

TEST(ToolGrammar, RefusesWhatStrictCannotHonour) {
  const JsonValue bad = parse_json(R"({"name":"x","parameters":{"type":"object",
    "properties":{"a":{"type":"integer","multipleOf":7}}}})")
                            .value();
  // Not strict: the form alone.
  EXPECT_TRUE(accepts_calls(invoke("x", parameter("a", "false", "3")), {bad}));
  auto made = grammars().tool_calls(options_of({now(), with_strict(bad)}));
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(
      made.error().field,
      "tools[1].function.parameters.properties.a.multipleOf");
  JsonValue name = parse_json(R"({"name":"x","strict":true,"parameters":
    {"type":"object","properties":{"a\"b":{}}}})")
                       .value();
  EXPECT_EQ(
      grammars().tool_calls(options_of({name})).error().field,
      "tools[0].function.parameters.properties");
  JsonValue impossible = parse_json(R"({"name":"x","strict":true,"parameters":
    {"type":"object","properties":{"a":false},"required":["a"]}})")
                             .value();
  EXPECT_NE(
      grammars()
          .tool_calls(options_of({impossible}))
          .error()
          .message.find("no arguments satisfy"),
      std::string::npos);
  EXPECT_FALSE(grammars().tool_calls(options_of({})).has_value());
}

// The grammar's outputs through the streaming parser: every call is whole, its
// arguments are JSON and satisfy the schema.
TEST(ToolGrammar, TheParserReadsRandomBlocks) {
  const std::vector<JsonValue> tools = {
      with_strict(weather()),
      now(),
      parse_json(R"({"name":"edit","strict":true,"parameters":{"type":"object",
        "properties":{"path":{"type":"string","minLength":1,"maxLength":12},
        "line":{"type":["integer","null"]},"deep":{"type":"array","items":
        {"type":"string"},"maxItems":2},"free":{}},
        "required":["path","line"],"additionalProperties":false}})")
          .value()};
  int calls = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    ToolGrammarOptions options = options_of(tools);
    options.parallel = seed % 3 != 0;
    WalkOptions walk_options;
    walk_options.seed = seed;
    walk_options.max_tokens = 700;
    walk_options.patience = 5;
    auto constraint = grammars().tool_calls(options).value();
    const WalkResult walk =
        random_walk(*constraint, nano_tokenizer(), walk_options);
    if (!walk.ended)
      continue;
    ChatParserOptions parsing;
    parsing.tools_offered = true;
    const ParsedOutput parsed = parse_pieces({walk.text}, parsing, tools);
    SCOPED_TRACE(walk.text);
    EXPECT_EQ(parsed.unparsed_blocks, 0);
    EXPECT_EQ(parsed.finish, ChatFinish::tool_calls);
    const ChatAnswer answer = parsed.answer();
    EXPECT_EQ(answer.content, "");
    ASSERT_FALSE(answer.tool_calls.empty());
    if (!options.parallel) {
      EXPECT_EQ(answer.tool_calls.size(), 1u);
    }
    for (const ToolCall& call : answer.tool_calls) {
      ++calls;
      Result<JsonValue> arguments = parse_json(call.arguments);
      ASSERT_TRUE(arguments.has_value()) << call.arguments;
      for (const JsonValue& tool : tools)
        if (at(tool, "name").as_string() == call.name)
          if (const JsonValue* schema = tool.find("parameters")) {
            const SchemaDocument document(*schema, "parameters");
            EXPECT_TRUE(satisfies(document, *arguments, *schema))
                << call.arguments;
          }
    }
  }
  EXPECT_GT(calls, 40);
}

}  // namespace
}  // namespace hadal
