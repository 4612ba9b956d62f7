// The output parsers against the official vectors: the strict one for its
// verdict, the tolerant one for the same result, and every cut of the streams.
#include <gtest/gtest.h>

#include "text/encoder_vectors.h"
#include "text/output_parser.h"
#include "text/parser_test_tools.h"
#include "text/prompt_format.h"
#include "text/spans.h"
#include "text/strict_output_parser.h"
#include "text/test_files.h"

namespace hadal {
namespace {

using Start = ChatParserOptions::Start;

ChatParserOptions options_for(bool thinking) {
  ChatParserOptions options;
  options.start = thinking ? Start::reasoning : Start::content;
  options.tools_offered = true;
  return options;
}

TEST(StrictOutputParser, GivesTheOfficialVerdicts) {
  JsonValue cases = read_test_json("encoding/parse_cases.json");
  ASSERT_EQ(cases.items().size(), 19u);
  for (const JsonValue& one : cases.items()) {
    const std::string& text = at(one, "text").as_string();
    SCOPED_TRACE(text);
    bool thinking = at(one, "thinking_mode").as_string() == "thinking";
    Result<ChatAnswer> answer =
        parse_strictly(text, thinking, prompt_format(ModelRevision::v4));
    if (const JsonValue* error = one.find("error")) {
      ASSERT_FALSE(answer.has_value());
      std::string message = error->as_string();
      message.erase(0, message.find(": ") + 2);
      EXPECT_EQ(answer.error().message, message);
      continue;
    }
    ASSERT_TRUE(answer.has_value()) << answer.error().message;
    const JsonValue& result = at(one, "result");
    EXPECT_EQ(answer->content, at(result, "content").as_string());
    EXPECT_EQ(answer->reasoning, at(result, "reasoning_content").as_string());
    const JsonValue::Array& calls = at(result, "tool_calls").items();
    ASSERT_EQ(answer->tool_calls.size(), calls.size());
    for (size_t i = 0; i < calls.size(); ++i) {
      const JsonValue& function = at(calls[i], "function");
      EXPECT_EQ(answer->tool_calls[i].name, at(function, "name").as_string());
      EXPECT_EQ(
          answer->tool_calls[i].arguments,
          at(function, "arguments").as_string());
    }
  }
}

TEST(OutputParser, AgreesWithTheStrictParserWhereThatAccepts) {
  JsonValue cases = read_test_json("encoding/parse_cases.json");
  size_t agreed = 0;
  for (const JsonValue& one : cases.items()) {
    const std::string& text = at(one, "text").as_string();
    SCOPED_TRACE(text);
    bool thinking = at(one, "thinking_mode").as_string() == "thinking";
    ParsedOutput parsed = parse_pieces({text}, options_for(thinking));
    ChatAnswer answer = parsed.answer();
    for (const ToolCall& call : answer.tool_calls)
      EXPECT_TRUE(is_json(call.arguments)) << call.arguments;
    Result<ChatAnswer> strict =
        parse_strictly(text, thinking, prompt_format(ModelRevision::v4));
    if (!strict.has_value())
      continue;
    EXPECT_EQ(answer.content, strict->content);
    EXPECT_EQ(answer.reasoning, strict->reasoning);
    ASSERT_EQ(answer.tool_calls.size(), strict->tool_calls.size());
    for (size_t i = 0; i < answer.tool_calls.size(); ++i) {
      EXPECT_EQ(answer.tool_calls[i].name, strict->tool_calls[i].name);
      // One case has a value that is no JSON: there ours is a string.
      if (is_json(strict->tool_calls[i].arguments))
        EXPECT_EQ(
            answer.tool_calls[i].arguments, strict->tool_calls[i].arguments);
      else
        EXPECT_EQ(
            answer.tool_calls[i].arguments,
            "{\"city\": \"Paris\", \"days\": \"not json\"}");
    }
    ++agreed;
  }
  EXPECT_EQ(agreed, 9u);
}

TEST(OutputParser, ParseCasesCutAnywhere) {
  JsonValue cases = read_test_json("encoding/parse_cases.json");
  for (const JsonValue& one : cases.items()) {
    const std::string& text = at(one, "text").as_string();
    SCOPED_TRACE(text);
    ChatParserOptions options =
        options_for(at(one, "thinking_mode").as_string() == "thinking");
    ParsedOutput whole = parse_pieces({text}, options);
    EXPECT_EQ(parse_pieces(single_bytes(text), options), whole);
    for (size_t cut = 0; cut <= text.size(); ++cut)
      ASSERT_EQ(
          parse_pieces({text.substr(0, cut), text.substr(cut)}, options), whole)
          << "cut at " << cut;
  }
}

struct StreamCase {
  std::string name;
  ChatParserOptions options;
  std::vector<std::string> deltas;
  std::string text;
  const JsonValue* expected;
};

std::vector<StreamCase> stream_cases(const JsonValue& file) {
  std::vector<StreamCase> cases;
  for (const JsonValue& one : file.items()) {
    StreamCase stream;
    stream.name = at(one, "name").as_string();
    stream.options = options_for(at(one, "starts_inside_think").as_boolean());
    for (const JsonValue& delta : at(one, "deltas").items()) {
      stream.deltas.push_back(delta.as_string());
      stream.text += delta.as_string();
    }
    stream.expected = &at(one, "expected");
    cases.push_back(std::move(stream));
  }
  return cases;
}

void expect_stream_result(
    const ParsedOutput& parsed, const JsonValue& expected) {
  ChatAnswer answer = parsed.answer();
  EXPECT_EQ(answer.reasoning, at(expected, "reasoning").as_string());
  EXPECT_EQ(answer.content, at(expected, "content").as_string());
  const JsonValue::Array& calls = at(expected, "tool_calls").items();
  EXPECT_EQ(
      answer.finish, calls.empty() ? ChatFinish::stop : ChatFinish::tool_calls);
  ASSERT_EQ(answer.tool_calls.size(), calls.size());
  for (size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(answer.tool_calls[i].name, at(calls[i], "name").as_string());
    EXPECT_EQ(
        parse_json(answer.tool_calls[i].arguments).value(),
        at(calls[i], "arguments"));
  }
}

TEST(OutputParser, StreamsAsGiven) {
  JsonValue file = read_test_json("encoding/stream_cases.json");
  std::vector<StreamCase> cases = stream_cases(file);
  ASSERT_EQ(cases.size(), 7u);
  for (const StreamCase& stream : cases) {
    SCOPED_TRACE(stream.name);
    expect_stream_result(
        parse_pieces(stream.deltas, stream.options), *stream.expected);
  }
}

TEST(OutputParser, StreamsCutAnywhere) {
  JsonValue file = read_test_json("encoding/stream_cases.json");
  for (const StreamCase& stream : stream_cases(file)) {
    SCOPED_TRACE(stream.name);
    ParsedOutput whole = parse_pieces({stream.text}, stream.options);
    expect_stream_result(whole, *stream.expected);
    EXPECT_EQ(parse_pieces(stream.deltas, stream.options), whole);
    EXPECT_EQ(parse_pieces(single_bytes(stream.text), stream.options), whole);
    for (size_t cut = 0; cut <= stream.text.size(); ++cut)
      ASSERT_EQ(
          parse_pieces(
              {stream.text.substr(0, cut), stream.text.substr(cut)},
              stream.options),
          whole)
          << "cut at " << cut;
  }
}

TEST(OutputParser, TruncatedAnywhereNothingIsInvented) {
  JsonValue file = read_test_json("encoding/stream_cases.json");
  for (const StreamCase& stream : stream_cases(file)) {
    SCOPED_TRACE(stream.name);
    ChatAnswer whole = parse_pieces({stream.text}, stream.options).answer();
    for (size_t cut = 0; cut < stream.text.size(); ++cut) {
      ParsedOutput parsed = parse_pieces(
          {stream.text.substr(0, cut)}, stream.options, {}, OutputEnd::length);
      ChatAnswer answer = parsed.answer();
      ASSERT_LE(answer.tool_calls.size(), whole.tool_calls.size());
      for (size_t i = 0; i < answer.tool_calls.size(); ++i)
        ASSERT_EQ(answer.tool_calls[i], whole.tool_calls[i]) << cut;
      if (answer.tool_calls.empty()) {
        ASSERT_EQ(answer.finish, ChatFinish::length) << cut;
      }
    }
  }
}

// Rendering an assistant message and parsing the text gives it back.
TEST(OutputParser, RendersAndParsesBack) {
  JsonValue cases = read_test_json("encoding/generated_cases.json");
  size_t messages = 0;
  for (const JsonValue& one : cases.items()) {
    GeneratedCase generated = generated_case(one);
    for (const ChatMessage& message : generated.messages) {
      if (message.role != ChatRole::assistant ||
          message.end != TurnEnd::closed || message.content.ends_with('\n'))
        continue;
      SCOPED_TRACE(at(one, "name").as_string());
      EncodeOptions encode;
      encode.drop_thinking = false;
      encode.add_bos = false;
      std::string text =
          joined(encode_prompt(std::vector{message}, encode).value());
      ChatAnswer answer = parse_pieces({text}, options_for(true)).answer();
      EXPECT_EQ(answer.reasoning, message.reasoning);
      EXPECT_EQ(answer.content, message.content);
      ASSERT_EQ(answer.tool_calls.size(), message.tool_calls.size());
      for (size_t i = 0; i < answer.tool_calls.size(); ++i) {
        EXPECT_EQ(answer.tool_calls[i].name, message.tool_calls[i].name);
        const JsonValue& arguments = message.tool_calls[i].arguments;
        Result<JsonValue> object = arguments.is_string()
                                       ? parse_json(arguments.as_string())
                                       : Result<JsonValue>(Failure{});
        // Arguments that are no object are rendered as one parameter.
        std::string expected = print_json(
            object.has_value() ? *object
                               : JsonValue::object({{"arguments", arguments}}));
        EXPECT_EQ(answer.tool_calls[i].arguments, expected);
      }
      ++messages;
    }
  }
  EXPECT_GT(messages, 20u);
}

}  // namespace
}  // namespace hadal
