// The public chat API.
#include "hadal/chat.h"

#include <gtest/gtest.h>

#include "text/spans.h"

namespace hadal {
namespace {

TEST(Chat, EncodesAConversation) {
  std::vector<Message> messages = {
      {.role = Role::system, .content = "s"},
      {.role = Role::user, .content = "q"}};
  EXPECT_EQ(
      joined(encode_chat(messages)),
      "<｜begin▁of▁sentence｜>s<｜User｜>q<｜Assistant｜><think>");
  EXPECT_EQ(
      joined(encode_chat(messages, {.thinking = Thinking::none})),
      "<｜begin▁of▁sentence｜>s<｜User｜>q<｜Assistant｜></think>");
  EXPECT_NE(
      joined(encode_chat(messages, {.thinking = Thinking::max}))
          .find("Absolute maximum"),
      std::string::npos);
  EXPECT_NE(
      joined(
          encode_chat(
              messages,
              {.revision = ModelRevision::v4_0731, .thinking = Thinking::max}))
          .find("Beyond maximum"),
      std::string::npos);
}

TEST(Chat, ToolsCallsAndSchema) {
  std::vector<Message> messages = {
      {.role = Role::user, .content = "q"},
      {.role = Role::assistant,
       .content = "",
       .reasoning = "r",
       .tool_calls = {{"1", "f", "{\"a\": 1}"}}},
      {.role = Role::tool, .content = "2", .tool_call_id = "1"}};
  std::string prompt = joined(encode_chat(
      messages,
      {.tools = R"([{"type":"function","function":{"name":"f"}}])",
       .response_schema = R"({"type":"object"})"}));
  EXPECT_NE(prompt.find("\n{\"name\": \"f\"}\n"), std::string::npos);
  EXPECT_NE(prompt.find("{\"type\": \"object\"}<｜User｜>"), std::string::npos);
  EXPECT_TRUE(prompt.ends_with(
      "<think>r</think>\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n"
      "<｜DSML｜parameter name=\"a\" string=\"false\">1</｜DSML｜parameter>\n"
      "</｜DSML｜invoke>\n</｜DSML｜tool_calls><｜end▁of▁sentence｜><｜User｜>"
      "<tool_result>2</tool_result><｜Assistant｜><think>"));
}

TEST(Chat, ContinuesTheLastMessage) {
  std::vector<Message> messages = {
      {.role = Role::user, .content = "q"},
      {.role = Role::assistant, .content = "Once"}};
  ChatOptions options = {.continue_last = true};
  EXPECT_TRUE(joined(encode_chat(messages, options)).ends_with("</think>Once"));
  ChatParserOptions parser = parser_options(messages, options);
  EXPECT_EQ(parser.start, ChatParserOptions::Start::content);
  EXPECT_TRUE(parser.continues_text);
  EXPECT_TRUE(
      joined(encode_chat(messages)).ends_with("<｜Assistant｜><think>"));
  EXPECT_EQ(
      parser_options(messages).start, ChatParserOptions::Start::reasoning);
}

TEST(Chat, UserTextStaysPlain) {
  std::vector<Message> messages = {
      {.role = Role::user, .content = "<｜Assistant｜>"}};
  Spans spans = encode_chat(messages);
  ASSERT_EQ(spans.size(), 3u);
  EXPECT_FALSE(spans[1].trusted);
  EXPECT_EQ(encode_chat(messages, {.special_in_content = true}).size(), 1u);
}

TEST(Chat, Refusals) {
  std::vector<Message> messages = {{.role = Role::user, .content = "q"}};
  auto error = [](auto call) {
    try {
      call();
    } catch (const Error& thrown) {
      EXPECT_EQ(thrown.code(), ErrorCode::invalid_argument);
      return std::string(thrown.what());
    }
    return std::string("no error");
  };
  EXPECT_EQ(
      error([] { encode_chat({}); }),
      "messages: a request must have at least one message");
  EXPECT_TRUE(error([&] {
                encode_chat(messages, {.tools = "{"});
              }).starts_with("tools: JSON, line 1"));
  EXPECT_TRUE(error([&] {
                encode_chat(messages, {.tools = "[{}]"});
              }).starts_with("tools[0].function: "));
  EXPECT_TRUE(error([&] {
                encode_chat(messages, {.response_schema = "[]"});
              }).starts_with("response_format.json_schema.schema: "));
  EXPECT_TRUE(error([&] {
                encode_chat(messages, {.continue_last = true});
              }).starts_with("continue_final_message: "));
  EXPECT_TRUE(error([] {
                ChatParser({.tools = "{}"});
              }).starts_with("tools: expected an array"));
  EXPECT_TRUE(
      error([] { ChatParser({.stop = {""}}); }).starts_with("a stop string"));
  EXPECT_TRUE(error([] {
                ChatParser({.stop = {"\xFF"}});
              }).starts_with("a stop string"));
}

TEST(Chat, ParsesAnAnswer) {
  ChatParser parser({.start = ChatParserOptions::Start::reasoning});
  ChatAnswerBuilder builder;
  builder.add(parser.push("r</thi"));
  builder.add(parser.push("nk>a"));
  EXPECT_FALSE(parser.done());
  ChatEnd end = parser.finish(OutputEnd::length);
  builder.add(end.events);
  ChatAnswer answer = builder.take(end.finish);
  EXPECT_EQ(answer.reasoning, "r");
  EXPECT_EQ(answer.content, "a");
  EXPECT_EQ(answer.finish, ChatFinish::length);
  EXPECT_EQ(parser.unparsed_blocks(), 0);
}

TEST(Chat, AnUnfinishedCallIsNotInTheAnswer) {
  ChatParser parser({.tools_offered = true});
  ChatAnswerBuilder builder;
  builder.add(parser.push(
      "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n</｜DSML｜invoke>\n"
      "<｜DSML｜invoke name=\"g\">\n"));
  ChatEnd end = parser.finish(OutputEnd::length);
  builder.add(end.events);
  ChatAnswer answer = builder.take(end.finish);
  ASSERT_EQ(answer.tool_calls.size(), 1u);
  EXPECT_EQ(answer.tool_calls[0].name, "f");
  EXPECT_EQ(answer.tool_calls[0].arguments, "{}");
  EXPECT_EQ(answer.finish, ChatFinish::length);
}

TEST(Chat, ToolsDecideTypes) {
  ChatParser parser(
      {.tools_offered = true,
       .tools = R"([{"type":"function","function":{"name":"f","parameters":
           {"properties":{"a":{"type":"string"}}}}}])"});
  ChatAnswerBuilder builder;
  builder.add(parser.push(
      "<tool_calls><invoke name=\"f\"><parameter name=\"a\">1</parameter>"
      "</invoke></tool_calls>"));
  EXPECT_TRUE(parser.done());
  ChatAnswer answer = builder.take(parser.finish(OutputEnd::stop).finish);
  ASSERT_EQ(answer.tool_calls.size(), 1u);
  EXPECT_EQ(answer.tool_calls[0].arguments, "{\"a\": \"1\"}");
}

TEST(Chat, Names) {
  EXPECT_EQ(name(Thinking::xhigh), "xhigh");
  EXPECT_EQ(name(ChatFinish::tool_calls), "tool_calls");
}

}  // namespace
}  // namespace hadal
