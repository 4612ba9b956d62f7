// The tolerant parser in reasoning and content: each rule of these states.
#include <gtest/gtest.h>

#include "text/output_parser.h"
#include "text/parser_check.h"

namespace hadal {
namespace {

using Start = ChatParserOptions::Start;
using Kind = ChatEvent::Kind;

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
