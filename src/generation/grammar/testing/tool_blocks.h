// Tools, and blocks of calls, for the tests.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "generation/grammar/testing/grammar_walk.h"
#include "text/tokenizer_test_files.h"

namespace hadal {

using Start = ToolGrammarOptions::Start;

inline const std::string kOpen = "<｜DSML｜tool_calls>\n";
inline const std::string kClose = "</｜DSML｜tool_calls>";

inline std::string invoke(const std::string& name, const std::string& body) {
  return "<｜DSML｜invoke name=\"" + name + "\">\n" + body +
         "</｜DSML｜invoke>\n";
}

inline std::string parameter(
    const std::string& name,
    const std::string& is_string,
    const std::string& value) {
  return "<｜DSML｜parameter name=\"" + name + "\" string=\"" + is_string +
         "\">" + value + "</｜DSML｜parameter>\n";
}

inline JsonValue weather() {
  return parse_json(R"({"name":"get_weather","parameters":{"type":"object",
    "properties":{"city":{"type":"string"},"days":{"type":"integer",
    "minimum":1},"unit":{"enum":["c","f",7]}},"required":["city"]}})")
      .value();
}

inline JsonValue now() {
  return parse_json(R"({"name":"now"})").value();
}

inline JsonValue with_strict(JsonValue tool) {
  tool.set("strict", JsonValue::boolean(true));
  return tool;
}

inline GrammarCache& nano_grammars() {
  static GrammarCache cache(nano_tokenizer());
  return cache;
}

inline ToolGrammarOptions tool_options(
    std::vector<JsonValue> tools, Start start = Start::block) {
  ToolGrammarOptions options;
  options.tools = std::move(tools);
  options.start = start;
  return options;
}

inline bool accepts_block(
    const ToolGrammarOptions& options, const std::string& text) {
  return accepts_text(
      *nano_grammars().tool_calls(options).value(), nano_tokenizer(), text);
}

}  // namespace hadal
