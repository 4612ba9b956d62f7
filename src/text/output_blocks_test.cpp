// The tolerant parser in blocks of calls: what is a call, and where it ends.
#include <gtest/gtest.h>

#include "text/output_parser.h"
#include "text/parser_check.h"

namespace hadal {
namespace {

using Start = ChatParserOptions::Start;
using Kind = ChatEvent::Kind;

TEST(OutputParserBlock, SeveralCalls) {
  EXPECT_EQ(
      parse(
          "a\n\n<｜DSML｜tool_calls>\n"
          "<｜DSML｜invoke name=\"f\">\n" +
              parameter("x", " string=\"true\"", "1") +
              parameter("y", " string=\"false\"", "[1, 2]") +
              "</｜DSML｜invoke>\n<｜DSML｜invoke name=\"now\">\n\n"
              "</｜DSML｜invoke>\n</｜DSML｜tool_calls>",
          chat()),
      "|a|f({\"x\": \"1\", \"y\": [1, 2]})now({})|tool_calls");
}

TEST(OutputParserBlock, EventsOfACall) {
  ParsedOutput parsed = parse_pieces(
      {"a\n\n" + body(parameter("x", " string=\"true\"", "1"))}, chat());
  std::vector<ChatEvent> expected = {
      {Kind::content, "a", 0, "", ""},
      {Kind::tool_call_begin, "", 0, "id0", "f"},
      {Kind::tool_call_arguments, "{\"x\": \"1\"}", 0, "", ""},
      {Kind::tool_call_end, "", 0, "", ""}};
  EXPECT_EQ(parsed.events, expected);
  EXPECT_TRUE(parsed.done);
}

TEST(OutputParserBlock, ArgumentsStreamAsTheyCome) {
  OutputParser parser(chat(), {});
  parser.push("<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n");
  auto pushed = [&parser](std::string_view bytes) {
    std::string text;
    for (const ChatEvent& event : parser.push(bytes))
      text += event.text;
    return text;
  };
  EXPECT_EQ(
      pushed("<｜DSML｜parameter name=\"k\" string=\"true\">"), "{\"k\": \"");
  EXPECT_EQ(pushed("a\"\n"), "a\\\"\\n");
  EXPECT_EQ(pushed("b</｜"), "b");
  EXPECT_EQ(pushed("x"), "</｜x");
  EXPECT_EQ(pushed("</｜DSML｜parameter>"), "\"");
  EXPECT_EQ(pushed("<｜DSML｜parameter name=\"n\" string=\"false\">1"), "");
  EXPECT_EQ(pushed("2</｜DSML｜parameter>"), ", \"n\": 12");
  EXPECT_EQ(pushed("</｜DSML｜invoke>"), "}");
}

TEST(OutputParserBlock, TextBehindABlockIsIgnored) {
  EXPECT_EQ(
      parse(std::string(kCall) + "\nDone! " + std::string(kCall), chat()),
      "||f({\"a\": \"x\"})|tool_calls");
}

TEST(OutputParserBlock, EmptyBlocksAreDropped) {
  std::string empty = "<｜DSML｜tool_calls>\n</｜DSML｜tool_calls>";
  EXPECT_EQ(parse(empty, chat()), "|||stop");
  EXPECT_EQ(parse("a\n\n" + empty, chat()), "|a||stop");
  EXPECT_EQ(parse("a\n\n" + empty + "\n\nb", chat()), "|a\n\nb||stop");
  EXPECT_EQ(parse(empty + "\n\nb", chat()), "|b||stop");
}

TEST(OutputParserBlock, WhatDoesNotParseIsContent) {
  for (const char* text :
       {"a\n\n<｜DSML｜tool_calls>\nnot a call\n</｜DSML｜tool_calls>",
        "a\n\n<｜DSML｜tool_calls>\nnot a call",
        "text <｜DSML｜tool_calls> inline",
        "<｜DSML｜tool_calls>{\"name\": \"f\"}</｜DSML｜tool_calls>\nb",
        "<invoke >x</invoke>",
        "<tool_call id=\"1\">x",
        "<｜DSML｜tool_calls>\n<｜DSML｜invoke>\n</｜DSML｜invoke>\n"
        "</｜DSML｜tool_calls>"}) {
    EXPECT_EQ(parse(text, chat()), "|" + std::string(text) + "||stop");
    EXPECT_EQ(parse_pieces({text}, chat()).unparsed_blocks, 1) << text;
  }
  EXPECT_EQ(
      parse("a\n<｜DSML｜tool_calls>\nx", chat(), OutputEnd::length),
      "|a\n<｜DSML｜tool_calls>\nx||length");
}

TEST(OutputParserBlock, ACallBehindAQuotation) {
  EXPECT_EQ(
      parse(
          "<｜DSML｜tool_calls> opens a block.\n\n" + std::string(kCall),
          chat()),
      "|<｜DSML｜tool_calls> opens a block.|f({\"a\": \"x\"})|tool_calls");
  EXPECT_EQ(
      parse("With <｜DSML｜tool_calls> I call.\n" + std::string(kCall), chat()),
      "|With <｜DSML｜tool_calls> I call.|f({\"a\": \"x\"})|tool_calls");
  // A repeated opening is harmless.
  EXPECT_EQ(
      parse("<｜DSML｜tool_calls>\n" + std::string(kCall), chat()),
      "||f({\"a\": \"x\"})|tool_calls");
}

TEST(OutputParserBlock, PreambleLimit) {
  auto text = [](size_t bytes) {
    return "<｜DSML｜tool_calls>" + std::string(bytes, 'x');
  };
  auto shown = [](const std::string& pushed) {
    OutputParser parser(chat(), {});
    std::string content;
    for (const ChatEvent& event : parser.push(pushed))
      content += event.text;
    return content.size();
  };
  EXPECT_EQ(shown(text(kMaxBlockPreambleBytes - 1)), 0u);
  std::string beyond = text(kMaxBlockPreambleBytes);
  EXPECT_EQ(shown(beyond), beyond.size());
}

TEST(OutputParserBlock, TagSizeLimit) {
  std::string name(kMaxTagBytes, 'n');
  EXPECT_EQ(
      parse_pieces(
          {"<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"" + name +
           "\">\n</｜DSML｜invoke>"},
          chat())
          .answer()
          .tool_calls.size(),
      0u);
  name.resize(kMaxTagBytes / 2);
  EXPECT_EQ(
      parse_pieces(
          {"<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"" + name +
           "\">\n</｜DSML｜invoke>"},
          chat())
          .answer()
          .tool_calls.size(),
      1u);
}

TEST(OutputParserBlock, CallCountLimit) {
  std::string text = "<｜DSML｜tool_calls>\n";
  for (int i = 0; i <= kMaxToolCalls; ++i)
    text += "<｜DSML｜invoke name=\"f\">\n</｜DSML｜invoke>\n";
  ParsedOutput parsed = parse_pieces({text}, chat());
  EXPECT_EQ(
      parsed.answer().tool_calls.size(), static_cast<size_t>(kMaxToolCalls));
  EXPECT_TRUE(parsed.done);
}

TEST(OutputParserBlock, SingleCall) {
  ChatParserOptions options = chat();
  options.single_call = true;
  EXPECT_EQ(
      parse(
          "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n\n"
          "</｜DSML｜invoke>\n<｜DSML｜invoke name=\"g\">\n\n"
          "</｜DSML｜invoke>\n</｜DSML｜tool_calls>",
          options),
      "||f({})|tool_calls");
}

TEST(OutputParserBlock, StartsInsideABlock) {
  ChatParserOptions options = chat();
  options.start = Start::tool_block;
  std::string rest(kCall.substr(kCall.find('\n') + 1));
  EXPECT_EQ(parse(rest, options), "||f({\"a\": \"x\"})|tool_calls");
  EXPECT_EQ(parse(kCall, options), "||f({\"a\": \"x\"})|tool_calls");
  EXPECT_EQ(parse("I cannot.", options), "|I cannot.||stop");
}

TEST(OutputParserBlock, MissingClosingTags) {
  std::string x = parameter("x", " string=\"true\"", "1");
  // The value's closing tag is that of the call, or of the block.
  EXPECT_EQ(
      parse(
          "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n"
          "<｜DSML｜parameter name=\"x\" string=\"true\">1</｜DSML｜invoke>\n"
          "</｜DSML｜tool_calls>",
          chat()),
      "||f({\"x\": \"1\"})|tool_calls");
  EXPECT_EQ(
      parse(
          "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n"
          "<｜DSML｜parameter name=\"x\" string=\"true\">1"
          "</｜DSML｜tool_calls>",
          chat()),
      "||f({\"x\": \"1\"})|tool_calls");
  // No closing tag of the call.
  EXPECT_EQ(
      parse(
          "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n" + x +
              "<｜DSML｜invoke name=\"g\">\n" + x + "</｜DSML｜tool_calls>",
          chat()),
      "||f({\"x\": \"1\"})g({\"x\": \"1\"})|tool_calls");
  // The block ends with the output.
  EXPECT_EQ(
      parse(
          "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n" + x +
              "</｜DSML｜invoke>\n",
          chat()),
      "||f({\"x\": \"1\"})|tool_calls");
  // Tags without their '>'.
  EXPECT_EQ(
      parse(
          "<｜DSML｜tool_calls\n<｜DSML｜invoke name=\"f\">\n"
          "<｜DSML｜parameter name=\"x\" string=\"true\">1"
          "</｜DSML｜parameter\n<｜DSML｜parameter name=\"y\" "
          "string=\"false\">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n",
          chat()),
      "||f({\"x\": \"1\", \"y\": 2})|tool_calls");
}

TEST(OutputParserBlock, CutByLength) {
  std::string first =
      "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n\n"
      "</｜DSML｜invoke>\n";
  // Between calls the first is complete, and nothing else was begun.
  EXPECT_EQ(parse(first, chat(), OutputEnd::length), "||f({})|tool_calls");
  for (const char* rest :
       {"<",
        "<｜DSML｜invoke na",
        "<｜DSML｜invoke name=\"g\">\n",
        "<｜DSML｜invoke name=\"g\">\n<｜DSML｜parameter name=\"x\" "
        "string=\"true\">ab",
        "<｜DSML｜invoke name=\"g\">\n{\"a\":",
        "<｜DSML｜invoke name=\"g\">\n<｜DSML｜parameter name=\"x\" "
        "string=\"false\">1</｜DSML｜"})
    EXPECT_EQ(parse(first + rest, chat(), OutputEnd::length), "||f({})|length")
        << rest;
  // What was announced stays, without an end.
  ParsedOutput parsed = parse_pieces(
      {"<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"g\">\n"
       "<｜DSML｜parameter name=\"x\" string=\"true\">ab</"},
      chat(),
      {},
      OutputEnd::length);
  EXPECT_EQ(parsed.arguments_of(0), "{\"x\": \"ab");
  EXPECT_EQ(parsed.events.back().kind, Kind::tool_call_arguments);
  EXPECT_EQ(parsed.finish, ChatFinish::length);
}

TEST(OutputParserBlock, CutBeforeTheFirstCall) {
  for (const char* rest :
       {"",
        "\n",
        "\n<",
        "\n<｜DSM",
        "\n<｜DSML｜inv",
        "\n<｜DSML｜invoke name=\"ge"}) {
    std::string text = "a\n\n<｜DSML｜tool_calls>" + std::string(rest);
    EXPECT_EQ(parse(text, chat(), OutputEnd::length), "|a||length") << text;
    EXPECT_EQ(parse(text, chat(), OutputEnd::stop), "|a||stop") << text;
  }
}

TEST(OutputParserBlock, EndOfSentenceInsideAValueIsCutOff) {
  EXPECT_EQ(
      parse(
          "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n"
          "<｜DSML｜parameter name=\"x\" string=\"true\">ab"
          "<｜end▁of▁sentence｜>cd",
          chat(),
          OutputEnd::length),
      "||f({\"x\": \"ab\"})|tool_calls");
  EXPECT_EQ(
      parse(
          "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n{\"a\": 1}"
          "<｜end▁of▁sentence｜>",
          chat()),
      "||f({\"a\": 1})|tool_calls");
}

}  // namespace
}  // namespace hadal
