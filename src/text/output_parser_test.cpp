// The tolerant parser: each rule of its states.
#include "text/output_parser.h"

#include <gtest/gtest.h>

#include "text/parser_test_tools.h"

namespace hadal {
namespace {

using Start = ChatParserOptions::Start;
using Kind = ChatEvent::Kind;

constexpr std::string_view kCall =
    "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n"
    "<｜DSML｜parameter name=\"a\" string=\"true\">x</｜DSML｜parameter>\n"
    "</｜DSML｜invoke>\n</｜DSML｜tool_calls>";

ChatParserOptions chat() {
  ChatParserOptions options;
  options.tools_offered = true;
  return options;
}

ChatParserOptions thinking() {
  ChatParserOptions options = chat();
  options.start = Start::reasoning;
  return options;
}

// "reasoning|content|name(arguments)...|finish", and checks that no cut into
// two pieces changes anything.
std::string parse(
    std::string_view text,
    const ChatParserOptions& options,
    OutputEnd end = OutputEnd::stop,
    const std::vector<JsonValue>& tools = {}) {
  std::string whole_text(text);
  ParsedOutput whole = parse_pieces({whole_text}, options, tools, end);
  EXPECT_EQ(parse_pieces(single_bytes(whole_text), options, tools, end), whole);
  for (size_t cut = 1; cut < whole_text.size(); ++cut)
    EXPECT_EQ(
        parse_pieces(
            {whole_text.substr(0, cut), whole_text.substr(cut)},
            options,
            tools,
            end),
        whole)
        << text << " cut at " << cut;
  ChatAnswer answer = whole.answer();
  std::string shown = answer.reasoning + "|" + answer.content + "|";
  for (const ToolCall& call : answer.tool_calls) {
    EXPECT_TRUE(is_json(call.arguments)) << call.arguments;
    shown += call.name + "(" + call.arguments + ")";
  }
  return shown + "|" + std::string(name(answer.finish));
}

std::string body(std::string_view parameters) {
  return "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n" +
         std::string(parameters) + "</｜DSML｜invoke>\n</｜DSML｜tool_calls>";
}

std::string parameter(
    std::string_view name, std::string_view attribute, std::string_view value) {
  return "<｜DSML｜parameter name=\"" + std::string(name) + "\"" +
         std::string(attribute) + ">" + std::string(value) +
         "</｜DSML｜parameter>\n";
}

// ---- reasoning

TEST(OutputParserReasoning, EndsAtTheClosingTag) {
  EXPECT_EQ(parse("r</think>a", thinking()), "r|a||stop");
  EXPECT_EQ(parse("</think>a", thinking()), "|a||stop");
}

TEST(OutputParserReasoning, ARepeatedOpeningTagIsSwallowed) {
  EXPECT_EQ(parse("<think>r</think>a", thinking()), "r|a||stop");
  EXPECT_EQ(parse("\n<think>\nr</think>a", thinking()), "r|a||stop");
  EXPECT_EQ(parse("r<think>s</think>a", thinking()), "r<think>s|a||stop");
}

TEST(OutputParserReasoning, NewlinesAtItsEndsAreDropped) {
  EXPECT_EQ(parse("\n\nr\n\ns\n\n</think>a", thinking()), "r\n\ns|a||stop");
}

TEST(OutputParserReasoning, WithoutAnEndAllIsReasoning) {
  EXPECT_EQ(parse("r\n<", thinking(), OutputEnd::length), "r\n<|||length");
  EXPECT_EQ(parse("r</thin", thinking()), "r</thin|||stop");
  EXPECT_EQ(parse("r<｜end▁of▁sentence｜>x", thinking()), "r|||stop");
}

TEST(OutputParserReasoning, ACallWithoutTheClosingTag) {
  EXPECT_EQ(
      parse("r\n\n" + std::string(kCall), thinking()),
      "r||f({\"a\": \"x\"})|tool_calls");
  EXPECT_EQ(parse(kCall, thinking()), "||f({\"a\": \"x\"})|tool_calls");
  // Seen in agent sessions: the block inside the reasoning, then its end.
  EXPECT_EQ(
      parse("r\n" + std::string(kCall) + "\n</think>", thinking()),
      "r||f({\"a\": \"x\"})|tool_calls");
}

TEST(OutputParserReasoning, AQuotedCallIsText) {
  std::string call(kCall);
  EXPECT_EQ(
      parse("use " + call + "</think>a", thinking()),
      "use " + call + "|a||stop");
  ChatParserOptions without = thinking();
  without.tools_offered = false;
  EXPECT_EQ(
      parse("r\n" + call + "</think>a", without), "r\n" + call + "|a||stop");
}

TEST(OutputParserReasoning, ABlockThatDoesNotParseIsGivenBack) {
  std::string quote = "r\n<｜DSML｜tool_calls>\nis the syntax.";
  EXPECT_EQ(parse(quote + "</think>a", thinking()), quote + "|a||stop");
  std::string closed =
      "r\n<｜DSML｜tool_calls>\nnothing\n</｜DSML｜tool_calls>\ns";
  EXPECT_EQ(parse(closed + "</think>a", thinking()), closed + "|a||stop");
  EXPECT_EQ(
      parse(closed + "\n" + std::string(kCall), thinking()),
      closed + "||f({\"a\": \"x\"})|tool_calls");
}

TEST(OutputParserReasoning, StopStringsDoNotApply) {
  ChatParserOptions options = thinking();
  options.stop = {"STOP"};
  EXPECT_EQ(parse("r STOP s</think>a STOP b", options), "r STOP s|a ||stop");
}

// ---- content

TEST(OutputParserContent, LeadingNewlines) {
  EXPECT_EQ(parse("r</think>\n\na\n\nb\n", thinking()), "r|a\n\nb\n||stop");
  EXPECT_EQ(parse("\n\na", chat()), "|a||stop");
  ChatParserOptions continued = chat();
  continued.continues_text = true;
  EXPECT_EQ(parse("\n\na", continued), "|\n\na||stop");
  continued.start = Start::reasoning;
  EXPECT_EQ(parse("\n\nr</think>\n\na", continued), "\n\nr|a||stop");
}

TEST(OutputParserContent, ThinkTags) {
  EXPECT_EQ(parse("<think>r</think>a", chat()), "r|a||stop");
  EXPECT_EQ(parse("\n<think>r</think>a", chat()), "r|a||stop");
  EXPECT_EQ(parse("a<think>b", chat()), "|a<think>b||stop");
  EXPECT_EQ(parse("a</think>b", chat()), "|ab||stop");
  EXPECT_EQ(
      parse("r</think><think>s</think>a</think>", thinking()), "rs|a||stop");
}

TEST(OutputParserContent, TextThatOnlyLooksLikeMarkup) {
  for (const char* text :
       {"a < b",
        "a <<b",
        "x<｜User｜>y",
        "a <| b",
        "<｜DSML",
        "<DSML>",
        "vector<tool_callsX>",
        "< DSML tool_calls>",
        "</｜DSML｜invoke>",
        "<｜DSML｜parameter name=\"x\" string=\"true\">",
        "a\n<tool_call>\nb",
        "a <tool_calls> b",
        "say `<invoke name=\"x\">`",
        "<invoker name=\"x\">",
        "<｜｜｜DSML｜｜｜tool_calls>"})
    EXPECT_EQ(parse(text, chat()), "|" + std::string(text) + "||stop");
}

TEST(OutputParserContent, NewlinesBeforeABlockAreNotContent) {
  EXPECT_EQ(
      parse("a\n\n\n" + std::string(kCall), chat()),
      "|a|f({\"a\": \"x\"})|tool_calls");
  EXPECT_EQ(
      parse("a." + std::string(kCall), chat()),
      "|a.|f({\"a\": \"x\"})|tool_calls");
}

TEST(OutputParserContent, WithoutToolsMarkupIsText) {
  ChatParserOptions options = chat();
  options.tools_offered = false;
  std::string text = "a\n\n" + std::string(kCall);
  EXPECT_EQ(parse(text, options), "|" + text + "||stop");
}

TEST(OutputParserContent, StopStrings) {
  ChatParserOptions options = chat();
  options.stop = {"\n\n", "END", "é"};
  EXPECT_EQ(parse("a END b", options), "|a ||stop");
  EXPECT_EQ(parse("a EN", options), "|a EN||stop");
  EXPECT_EQ(parse("aé", options), "|a||stop");
  EXPECT_EQ(parse("aè", options), "|aè||stop");
  EXPECT_EQ(parse("a\n\nb", options), "|a||stop");
  // Newlines before a call are not content, so they cannot stop it.
  EXPECT_EQ(
      parse("a\n\n" + std::string(kCall), options),
      "|a|f({\"a\": \"x\"})|tool_calls");
  EXPECT_EQ(parse("a END b", options, OutputEnd::length), "|a ||stop");
  OutputParser parser(options, {});
  parser.push("a EN");
  EXPECT_FALSE(parser.done());
  parser.push("D");
  EXPECT_TRUE(parser.done());
}

TEST(OutputParserContent, EndOfSentenceEndsTheOutput) {
  EXPECT_EQ(parse("a<｜end▁of▁sentence｜>b", chat()), "|a||stop");
  EXPECT_EQ(
      parse("a<｜end▁of▁sentence｜>", chat(), OutputEnd::length), "|a||stop");
  EXPECT_EQ(parse("a<｜end▁of▁sentenc", chat()), "|a<｜end▁of▁sentenc||stop");
  OutputParser parser(chat(), {});
  parser.push("a<｜end▁of▁sentence｜>");
  EXPECT_TRUE(parser.done());
}

TEST(OutputParserContent, OnlyWholeCharactersComeOut) {
  OutputParser parser(chat(), {});
  EXPECT_TRUE(parser.push("\xE4\xB8").empty());
  std::vector<ChatEvent> events = parser.push("\xAD\xFF\xE4");
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].text, "中\xEF\xBF\xBD");
  ChatEnd end = parser.finish(OutputEnd::stop);
  ASSERT_EQ(end.events.size(), 1u);
  EXPECT_EQ(end.events[0].text, "\xEF\xBF\xBD");
}

TEST(OutputParserContent, HoldsBackOnlyWhatMayBecomeMarkup) {
  OutputParser parser(chat(), {});
  auto pushed = [&parser](std::string_view bytes) {
    std::string text;
    for (const ChatEvent& event : parser.push(bytes))
      text += event.text;
    return text;
  };
  EXPECT_EQ(pushed("a b"), "a b");
  EXPECT_EQ(pushed("\n"), "");
  EXPECT_EQ(pushed("c<"), "\nc");
  EXPECT_EQ(pushed("｜DSML｜tool_"), "");
  EXPECT_EQ(pushed("x"), "<｜DSML｜tool_x");
}

// ---- blocks

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

// ---- arguments

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

TEST(OutputParser, CallIds) {
  OutputParser parser(chat(), {});
  std::string id;
  for (const ChatEvent& event : parser.push(kCall))
    if (event.kind == Kind::tool_call_begin)
      id = event.id;
  EXPECT_TRUE(id.starts_with("call_"));
  EXPECT_EQ(id.size(), 29u);
}

// Time must grow with the size, not with its square: these take a second in
// all, and would take minutes.
TEST(OutputParser, HostileInputIsLinear) {
  const std::string call = "<｜DSML｜tool_calls><｜DSML｜invoke name=\"f\">";
  struct Hostile {
    std::string head;
    std::string unit;
  };
  for (const Hostile& hostile : std::vector<Hostile>{
           {"", "<"},
           {"", "\n"},
           {"", "<｜DSML｜tool_calls>"},
           {"", "<tool_calls>\n"},
           {"", "\n<invoke name=\""},
           {call, ">"},
           {call, "</｜"},
           {call + "{", ">"},
           {call + "{", "<>"},
           {call + "<｜DSML｜parameter name=\"a\" string=\"false\">", "<"}}) {
    std::string text = hostile.head;
    while (text.size() < 200'000)
      text += hostile.unit;
    OutputParser parser(chat(), {});
    size_t bytes = 0;
    for (const ChatEvent& event : parser.push(text))
      bytes += event.text.size();
    for (const ChatEvent& event : parser.finish(OutputEnd::stop).events)
      bytes += event.text.size();
    EXPECT_LE(bytes, 2 * text.size());
  }
}

}  // namespace
}  // namespace hadal
