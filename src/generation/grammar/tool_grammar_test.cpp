// Blocks of tool calls: what they may be, and that the output parser reads all
// that the grammar lets through.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "generation/grammar/schema_check.h"
#include "generation/grammar/testing/tool_blocks.h"
#include "text/parser_test_tools.h"

namespace hadal {
namespace {

// The calls in a block after its newlines.
bool accepts_calls(
    const std::string& calls,
    std::vector<JsonValue> tools,
    bool parallel = true) {
  ToolGrammarOptions options = tool_options(std::move(tools));
  options.parallel = parallel;
  return accepts_block(options, "\n\n" + kOpen + calls + kClose);
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
  EXPECT_TRUE(accepts_block(
      tool_options({now()}, ToolGrammarOptions::Start::inside_block),
      invoke("now", "\n") + kClose));
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

TEST(ToolGrammar, RefusesWhatStrictCannotHonour) {
  const JsonValue bad = parse_json(R"({"name":"x","parameters":{"type":"object",
    "properties":{"a":{"type":"integer","multipleOf":7}}}})")
                            .value();
  // Not strict: the form alone.
  EXPECT_TRUE(accepts_calls(invoke("x", parameter("a", "false", "3")), {bad}));
  auto made =
      nano_grammars().tool_calls(tool_options({now(), with_strict(bad)}));
  ASSERT_FALSE(made.has_value());
  EXPECT_EQ(
      made.error().field,
      "tools[1].function.parameters.properties.a.multipleOf");
  JsonValue name = parse_json(R"({"name":"x","strict":true,"parameters":
    {"type":"object","properties":{"a\"b":{}}}})")
                       .value();
  EXPECT_EQ(
      nano_grammars().tool_calls(tool_options({name})).error().field,
      "tools[0].function.parameters.properties");
  JsonValue impossible = parse_json(R"({"name":"x","strict":true,"parameters":
    {"type":"object","properties":{"a":false},"required":["a"]}})")
                             .value();
  EXPECT_NE(
      nano_grammars()
          .tool_calls(tool_options({impossible}))
          .error()
          .message.find("no arguments satisfy"),
      std::string::npos);
  EXPECT_FALSE(nano_grammars().tool_calls(tool_options({})).has_value());
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
    ToolGrammarOptions options = tool_options(tools);
    options.parallel = seed % 3 != 0;
    WalkOptions walk_options;
    walk_options.seed = seed;
    walk_options.max_tokens = 700;
    walk_options.patience = 5;
    auto constraint = nano_grammars().tool_calls(options).value();
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
