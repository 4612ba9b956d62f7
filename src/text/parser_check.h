// Short forms for the parser's tests: outputs and results as single strings.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "text/parser_test_tools.h"

namespace hadal {

inline constexpr std::string_view kCall =
    "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n"
    "<｜DSML｜parameter name=\"a\" string=\"true\">x</｜DSML｜parameter>\n"
    "</｜DSML｜invoke>\n</｜DSML｜tool_calls>";

// Options with tools offered, in the two modes.
inline ChatParserOptions chat() {
  ChatParserOptions options;
  options.tools_offered = true;
  return options;
}

inline ChatParserOptions thinking() {
  ChatParserOptions options = chat();
  options.start = ChatParserOptions::Start::reasoning;
  return options;
}

// "reasoning|content|name(arguments)...|finish", and checks that no cut into
// two pieces changes anything.
inline std::string parse(
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

// A block with one call of f.
inline std::string body(std::string_view parameters) {
  return "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n" +
         std::string(parameters) + "</｜DSML｜invoke>\n</｜DSML｜tool_calls>";
}

inline std::string parameter(
    std::string_view name, std::string_view attribute, std::string_view value) {
  return "<｜DSML｜parameter name=\"" + std::string(name) + "\"" +
         std::string(attribute) + ">" + std::string(value) +
         "</｜DSML｜parameter>\n";
}

}  // namespace hadal
