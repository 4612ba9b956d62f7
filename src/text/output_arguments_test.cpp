// The arguments of parsed calls: types, repairs, and odd spellings.
#include <gtest/gtest.h>

#include "text/output_parser.h"
#include "text/parser_check.h"

namespace hadal {
namespace {

TEST(OutputParserArguments, AttributesDecideTheType) {
  EXPECT_EQ(
      parse(
          body(
              parameter("s", " string=\"true\"", " 1 \n\"\\\t中<b>") +
              parameter("n", " string=\"false\"", " 1.50 ") +
              parameter("o", " string=\"false\"", "{\"a\": [ ]}")),
          chat()),
      "||f({\"s\": \" 1 \\n\\\"\\\\\\t中<b>\", \"n\":  1.50 , \"o\": {\"a\": [ "
      "]}})|tool_calls");
}

TEST(OutputParserArguments, InvalidJsonBecomesAString) {
  EXPECT_EQ(
      parse(
          body(
              parameter("a", " string=\"false\"", "not json") +
              parameter("b", " string=\"false\"", "") +
              parameter("c", " string=\"false\"", "NaN") +
              parameter("d", " string=\"false\"", "{\"x\": 1")),
          chat()),
      "||f({\"a\": \"not json\", \"b\": \"\", \"c\": \"NaN\", \"d\": "
      "\"{\\\"x\\\": 1\"})|tool_calls");
}

TEST(OutputParserArguments, PythonLiterals) {
  EXPECT_EQ(
      parse(
          body(
              parameter("a", " string=\"false\"", "True") +
              parameter("b", " string=\"false\"", " False ") +
              parameter("c", " string=\"false\"", "None") +
              parameter("d", " string=\"true\"", "True")),
          chat()),
      "||f({\"a\": true, \"b\": false, \"c\": null, \"d\": "
      "\"True\"})|tool_calls");
}

std::vector<JsonValue> tools_of(std::string_view properties) {
  return {parse_json(
              R"({"name":"f","parameters":{"type":"object","properties":)" +
              std::string(properties) + "}}")
              .value()};
}

TEST(OutputParserArguments, MissingAttribute) {
  std::vector<JsonValue> tools = tools_of(
      R"({"s":{"type":"string"},"t":{"type":["string","null"]},"n":{}})");
  EXPECT_EQ(
      parse(
          body(
              parameter("s", "", "12") + parameter("t", "", "12") +
              parameter("n", "", "12") + parameter("u", "", "12 km") +
              parameter("v", " string=\"maybe\"", "[1]")),
          chat(),
          OutputEnd::stop,
          tools),
      "||f({\"s\": \"12\", \"t\": \"12\", \"n\": 12, \"u\": \"12 km\", \"v\": "
      "[1]})|tool_calls");
}

TEST(OutputParserArguments, CoercionOnlyWhenAskedFor) {
  std::vector<JsonValue> tools = tools_of(
      R"({"i":{"type":"integer"},"b":{"type":"boolean"},"n":{"type":"number"},
          "o":{"type":"object"},"l":{"type":["array","null"]},
          "s":{"type":"string"},"m":{"type":["integer","string"]},"x":{}})");
  std::string call = body(
      parameter("i", " string=\"true\"", "5") +
      parameter("b", " string=\"true\"", "True") +
      parameter("n", " string=\"true\"", "1.5") +
      parameter("o", " string=\"true\"", "{\"a\": 1}") +
      parameter("l", " string=\"true\"", "null") +
      parameter("s", " string=\"true\"", "5") +
      parameter("m", " string=\"true\"", "5") +
      parameter("x", " string=\"true\"", "5"));
  EXPECT_EQ(
      parse(call, chat(), OutputEnd::stop, tools),
      "||f({\"i\": \"5\", \"b\": \"True\", \"n\": \"1.5\", \"o\": "
      "\"{\\\"a\\\": 1}\", \"l\": \"null\", \"s\": \"5\", \"m\": \"5\", "
      "\"x\": \"5\"})|tool_calls");
  ChatParserOptions options = chat();
  options.coerce_arguments = true;
  EXPECT_EQ(
      parse(call, options, OutputEnd::stop, tools),
      "||f({\"i\": 5, \"b\": true, \"n\": 1.5, \"o\": {\"a\": 1}, \"l\": null, "
      "\"s\": \"5\", \"m\": \"5\", \"x\": \"5\"})|tool_calls");
  EXPECT_EQ(
      parse(
          body(
              parameter("i", " string=\"true\"", "1.5") +
              parameter("b", " string=\"true\"", "yes")),
          options,
          OutputEnd::stop,
          tools),
      "||f({\"i\": \"1.5\", \"b\": \"yes\"})|tool_calls");
}

TEST(OutputParserArguments, Unwrapping) {
  std::vector<JsonValue> tools = tools_of(R"({"a":{"type":"integer"}})");
  auto call = [](std::string_view name, std::string_view more = "") {
    return body(
        parameter(name, " string=\"true\"", "{\"a\": 1}") + std::string(more));
  };
  for (const char* name : {"arguments", "input"})
    EXPECT_EQ(
        parse(call(name), chat(), OutputEnd::stop, tools),
        "||f({\"a\": 1})|tool_calls");
  EXPECT_EQ(
      parse(
          body(parameter("input", " string=\"false\"", " {\"a\": 1} ")),
          chat(),
          OutputEnd::stop,
          tools),
      "||f({\"a\": 1})|tool_calls");
  // Not the only parameter, not an object, known to the schema, no schema.
  EXPECT_EQ(
      parse(
          call("input", parameter("a", " string=\"false\"", "2")),
          chat(),
          OutputEnd::stop,
          tools),
      "||f({\"input\": \"{\\\"a\\\": 1}\", \"a\": 2})|tool_calls");
  EXPECT_EQ(
      parse(
          body(parameter("input", " string=\"true\"", "hello")),
          chat(),
          OutputEnd::stop,
          tools),
      "||f({\"input\": \"hello\"})|tool_calls");
  EXPECT_EQ(
      parse(
          call("input"), chat(), OutputEnd::stop, tools_of(R"({"input":{}})")),
      "||f({\"input\": \"{\\\"a\\\": 1}\"})|tool_calls");
  EXPECT_EQ(
      parse(call("input"), chat()),
      "||f({\"input\": \"{\\\"a\\\": 1}\"})|tool_calls");
  EXPECT_EQ(
      parse(call("other"), chat(), OutputEnd::stop, tools),
      "||f({\"other\": \"{\\\"a\\\": 1}\"})|tool_calls");
}

TEST(OutputParserArguments, BodyIsOneJsonObject) {
  EXPECT_EQ(
      parse(body("{\"a\": \"</b>\", \"n\": 1e400}\n"), chat()),
      "||f({\"a\": \"</b>\", \"n\": 1e400})|tool_calls");
  EXPECT_EQ(
      parse(body("{\"a\": oops}\n"), chat()),
      "||f({\"arguments\": \"{\\\"a\\\": oops}\"})|tool_calls");
  EXPECT_EQ(
      parse(
          "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">{\"a\": 1}"
          "</｜DSML｜invoke><｜DSML｜invoke name=\"g\">{\"b\": 2}"
          "</｜DSML｜tool_calls>",
          chat()),
      "||f({\"a\": 1})g({\"b\": 2})|tool_calls");
}

TEST(OutputParserArguments, RepeatedParametersAreLeftOut) {
  EXPECT_EQ(
      parse(
          body(
              parameter("a", " string=\"true\"", "1") +
              parameter("a", " string=\"true\"", "2") +
              parameter("b", " string=\"true\"", "3")),
          chat()),
      "||f({\"a\": \"1\", \"b\": \"3\"})|tool_calls");
}

TEST(OutputParserArguments, OddNames) {
  EXPECT_EQ(
      parse(
          body(
              parameter("a\"b", " string=\"true\"", "1") +
              parameter("c>d", " string=\"false\"", "2") +
              parameter("é\\", " string=\"true\"", "3")),
          chat()),
      "||f({\"a\\\"b\": \"1\", \"c>d\": 2, \"é\\\\\": \"3\"})|tool_calls");
  EXPECT_EQ(
      parse(
          body(parameter(" x", " type=\"int\" string=\"false\"", "1")), chat()),
      "||f({\" x\": 1})|tool_calls");
}

TEST(OutputParserArguments, ValuesWithMarkup) {
  EXPECT_EQ(
      parse(
          body(parameter(
              "x",
              " string=\"true\"",
              "</parameter></invoke><｜DSML｜parameter name=\"y\" "
              "string=\"true\"></ p><<")),
          chat()),
      "||f({\"x\": \"</parameter></invoke><｜DSML｜parameter name=\\\"y\\\" "
      "string=\\\"true\\\"></ p><<\"})|tool_calls");
}

TEST(OutputParserArguments, SelfClosingTags) {
  EXPECT_EQ(
      parse(
          "<｜DSML｜tool_calls><｜DSML｜invoke name=\"f\"/>"
          "<｜DSML｜invoke name=\"g\"><｜DSML｜parameter name=\"x\" "
          "string=\"true\"/></｜DSML｜invoke></｜DSML｜tool_calls>",
          chat()),
      "||f({})g({\"x\": \"\"})|tool_calls");
}

TEST(OutputParser, UnknownToolsPassThrough) {
  EXPECT_EQ(
      parse(kCall, chat(), OutputEnd::stop, tools_of("{}")),
      "||f({\"a\": \"x\"})|tool_calls");
  std::vector<JsonValue> other = {parse_json(R"({"name":"g"})").value()};
  EXPECT_EQ(
      parse(kCall, chat(), OutputEnd::stop, other),
      "||f({\"a\": \"x\"})|tool_calls");
}

}  // namespace
}  // namespace hadal
