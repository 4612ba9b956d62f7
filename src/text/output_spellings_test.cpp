// Every spelling of the markup that was seen in the wild, in content and in
// reasoning.
#include <gtest/gtest.h>

#include "text/output_parser.h"
#include "text/parser_test_tools.h"

namespace hadal {
namespace {

struct Spelling {
  const char* name;
  std::string block;  // name of the block
  std::string open;   // before a name in an opening tag
  std::string close;  // before a name in a closing tag
};

std::string call_in(const Spelling& spelling) {
  const auto& [name, block, open, close] = spelling;
  return open + block + ">\n" + open + "invoke name=\"f\">\n" + open +
         "parameter name=\"a\" string=\"true\">x" + close + "parameter>\n" +
         open + "parameter name=\"n\" string=\"false\">3" + close +
         "parameter>\n" + close + "invoke>\n" + close + block + ">";
}

std::vector<Spelling> spellings() {
  return {
      {"official_v4", "tool_calls", "<｜DSML｜", "</｜DSML｜"},
      {"official_v41", "calls", "<｜DSML｜ ", "</｜DSML｜ "},
      {"v32_history", "function_calls", "<｜DSML｜", "</｜DSML｜"},
      {"no_first_bar", "tool_calls", "<DSML｜", "</DSML｜"},
      {"no_last_bar", "tool_calls", "<｜DSML", "</｜DSML"},
      {"ascii_spaced", "tool_calls", "< | DSML | ", "</ | DSML | "},
      {"ascii_doubled", "tool_calls", "<||DSML||", "</||DSML||"},
      {"tool_use", "tool_use", "<｜DSML｜", "</｜DSML｜"},
      {"ascii_tool_use", "tool_use", "<|DSML|", "</|DSML|"},
      {"doubled", "tool_calls", "<｜｜DSML｜｜", "</｜｜DSML｜｜"},
      {"double_line", "tool_calls", "<‖DSML‖", "</‖DSML‖"},
      {"ascii", "tool_calls", "<|DSML|", "</|DSML|"},
      {"plain", "tool_calls", "<", "</"},
      {"plain_functions", "function_calls", "<", "</"},
  };
}

void expect_call(const ParsedOutput& parsed, std::string_view content) {
  ChatAnswer answer = parsed.answer();
  EXPECT_EQ(answer.content, content);
  ASSERT_EQ(answer.tool_calls.size(), 1u);
  EXPECT_EQ(answer.tool_calls[0].name, "f");
  EXPECT_EQ(answer.tool_calls[0].arguments, "{\"a\": \"x\", \"n\": 3}");
  EXPECT_EQ(answer.finish, ChatFinish::tool_calls);
}

ChatParserOptions with_tools(ChatParserOptions::Start start) {
  ChatParserOptions options;
  options.start = start;
  options.tools_offered = true;
  return options;
}

void expect_call_in_every_cut(
    const std::string& text,
    const ChatParserOptions& options,
    std::string_view content) {
  ParsedOutput whole = parse_pieces({text}, options);
  expect_call(whole, content);
  EXPECT_EQ(parse_pieces(single_bytes(text), options), whole);
  for (size_t cut = 1; cut < text.size(); ++cut)
    ASSERT_EQ(
        parse_pieces({text.substr(0, cut), text.substr(cut)}, options), whole)
        << "cut at " << cut;
}

TEST(OutputSpellings, InContent) {
  ChatParserOptions options = with_tools(ChatParserOptions::Start::content);
  for (const Spelling& spelling : spellings()) {
    SCOPED_TRACE(spelling.name);
    expect_call_in_every_cut("Hi.\n\n" + call_in(spelling), options, "Hi.");
    expect_call_in_every_cut(call_in(spelling), options, "");
  }
}

TEST(OutputSpellings, InReasoning) {
  ChatParserOptions options = with_tools(ChatParserOptions::Start::reasoning);
  for (const Spelling& spelling : spellings()) {
    SCOPED_TRACE(spelling.name);
    std::string text = "r\n\n" + call_in(spelling);
    ParsedOutput parsed = parse_pieces({text}, options);
    expect_call(parsed, "");
    EXPECT_EQ(parsed.answer().reasoning, "r");
  }
}

TEST(OutputSpellings, WithoutToolsAllIsText) {
  for (const Spelling& spelling : spellings()) {
    SCOPED_TRACE(spelling.name);
    std::string text = "Hi.\n\n" + call_in(spelling);
    EXPECT_EQ(parse_pieces({text}, {}).answer().content, text);
  }
}

TEST(OutputSpellings, InvokeWithoutABlock) {
  ChatParserOptions options = with_tools(ChatParserOptions::Start::content);
  for (const Spelling& spelling : spellings()) {
    SCOPED_TRACE(spelling.name);
    std::string block = call_in(spelling);
    size_t start = block.find('\n') + 1;
    std::string bare = block.substr(start, block.rfind('\n') - start);
    expect_call_in_every_cut("Hi.\n" + bare, options, "Hi.");
    // What follows is no call and is ignored.
    expect_call_in_every_cut(bare + "\nDone.", options, "");
    EXPECT_TRUE(parse_pieces({bare + "\nDone."}, options).done);
  }
}

TEST(OutputSpellings, ToolCallTag) {
  ChatParserOptions options = with_tools(ChatParserOptions::Start::content);
  expect_call_in_every_cut(
      "Hi.\n<tool_call id=\"c1\" name=\"f\">\n"
      "<parameter name=\"a\" string=\"true\">x</parameter>\n"
      "<parameter name=\"n\">3</parameter>\n</tool_call>",
      options,
      "Hi.");
  expect_call_in_every_cut(
      "<tool_calls>\n<tool_call name='f'>\n"
      "{\"a\": \"x\", \"n\": 3}\n</tool_call>\n</tool_calls>",
      options,
      "");
}

TEST(OutputSpellings, MixedMarkers) {
  ChatParserOptions options = with_tools(ChatParserOptions::Start::content);
  expect_call_in_every_cut(
      "<｜DSML｜tool_calls>\n<DSML｜invoke name=\"f\">\n"
      "<｜DSML｜ parameter name=\"a\" string=\"true\">x</｜｜DSML｜parameter>\n"
      "<|DSML| parameter name=\"n\" string=\"false\">3</｜DSML>\n"
      "</invoke>\n</｜DSML｜ calls>",
      options,
      "");
  // A marker broken beyond recognition inside a block.
  expect_call_in_every_cut(
      "<｜DSML｜tool_calls>\n<｜DS｜invoke name=\"f\">\n"
      "<parameter name=\"a\" string=\"true\">x</parameter>\n"
      "｜DSML｜parameter name=\"n\" string=\"false\">3</｜DSML｜parameter>\n"
      "</｜DSML｜invoke>\n</｜DSML｜tool_calls>",
      options,
      "");
}

TEST(OutputSpellings, PlainTagsWithinALineAreProse) {
  ChatParserOptions options = with_tools(ChatParserOptions::Start::content);
  std::string text = "Write <invoke name=\"f\"> and <tool_calls>\nfor a call.";
  EXPECT_EQ(parse_pieces({text}, options).answer().content, text);
}

}  // namespace
}  // namespace hadal
