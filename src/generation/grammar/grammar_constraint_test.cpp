// Around the grammar: free text, reasoning, the end, greedy tags.
#include <gtest/gtest.h>

#include <string>

#include "generation/grammar/testing/tool_blocks.h"

namespace hadal {
namespace {

TEST(GrammarConstraint, FreeTextUntilTheMarkup) {
  const ToolGrammarOptions options = tool_options(
      {with_strict(weather()), now()}, ToolGrammarOptions::Start::free_text);
  auto constraint = nano_grammars().tool_calls(options).value();
  const Tokenizer& tokenizer = nano_tokenizer();
  EXPECT_TRUE(constraint->mask().everything());
  ASSERT_TRUE(
      follows(*constraint, byte_tokens(tokenizer, "I look. <b>\n\n<｜DSML｜")));
  EXPECT_FALSE(constraint->mask().everything());
  EXPECT_TRUE(constraint->wants_greedy());
  auto wrong = constraint->clone();
  EXPECT_FALSE(follows(
      *wrong,
      byte_tokens(tokenizer, "tool_calls>\n" + invoke("get_weather", "\n"))));
  EXPECT_TRUE(accepts_text(
      *constraint,
      tokenizer,
      "tool_calls>\n" +
          invoke("get_weather", parameter("city", "true", "Rome")) + kClose));
  // A tool that is not strict keeps the form of a call, but no schema.
  EXPECT_TRUE(accepts_text(
      *constraint,
      tokenizer,
      "tool_calls>\n" + invoke("now", parameter("zone", "false", "1")) +
          kClose));
}

TEST(GrammarConstraint, FreeTextMayEndWithoutACall) {
  auto constraint = nano_grammars()
                        .tool_calls(tool_options(
                            {now()}, ToolGrammarOptions::Start::free_text))
                        .value();
  const Tokenizer& tokenizer = nano_tokenizer();
  // The marker without "<" before it is text.
  EXPECT_TRUE(accepts_text(*constraint, tokenizer, "about ｜DSML｜ tags"));
  constraint->accept(tokenizer.eos_id());
  EXPECT_FALSE(constraint->mask().everything());
  EXPECT_TRUE(constraint->mask().allows(tokenizer.eos_id()));
}

// The marker spelled with ordinary tokens starts a block as well.
TEST(GrammarConstraint, FreeTextKnowsTheSpelledMarker) {
  auto constraint = nano_grammars()
                        .tool_calls(tool_options(
                            {now()}, ToolGrammarOptions::Start::free_text))
                        .value();
  const Tokenizer& tokenizer = nano_tokenizer();
  for (char byte : std::string("x <｜DSML｜tool"))
    constraint->accept(tokenizer.find(std::string(1, byte)).value());
  EXPECT_FALSE(constraint->mask().everything());
  EXPECT_TRUE(accepts_text(
      *constraint, tokenizer, "_calls>\n" + invoke("now", "\n") + kClose));
}

TEST(GrammarConstraint, WaitsForTheEndOfTheReasoning) {
  const Tokenizer& tokenizer = nano_tokenizer();
  ToolGrammarOptions options = tool_options({now()});
  options.starts_in_reasoning = true;
  auto constraint = nano_grammars().tool_calls(options).value();
  ASSERT_TRUE(follows(
      *constraint,
      byte_tokens(tokenizer, "I quote <｜DSML｜tool_calls> here")));
  EXPECT_TRUE(constraint->mask().everything());
  EXPECT_FALSE(constraint->wants_greedy());
  constraint->accept(tokenizer.find("</think>").value());
  EXPECT_FALSE(constraint->mask().everything());
  EXPECT_TRUE(accepts_text(
      *constraint, tokenizer, "\n\n" + kOpen + invoke("now", "\n") + kClose));

  auto json =
      nano_grammars().json_object({.starts_in_reasoning = true}).value();
  ASSERT_TRUE(follows(*json, byte_tokens(tokenizer, "no JSON yet")));
  json->accept(tokenizer.find("</think>").value());
  EXPECT_TRUE(accepts_text(*json, tokenizer, "{}"));
  EXPECT_FALSE(accepts_text(*json, tokenizer, "x"));
}

TEST(GrammarConstraint, GreedyInTagsOnly) {
  const Tokenizer& tokenizer = nano_tokenizer();
  auto constraint =
      nano_grammars().tool_calls(tool_options({weather()})).value();
  const std::string head =
      "\n\n" + kOpen + "<｜DSML｜invoke name=\"get_weather\"";
  for (int32_t token : byte_tokens(tokenizer, head)) {
    EXPECT_TRUE(constraint->wants_greedy());
    constraint->accept(token);
  }
  ASSERT_TRUE(follows(
      *constraint,
      byte_tokens(
          tokenizer, ">\n<｜DSML｜parameter name=\"city\" string=\"true\">")));
  EXPECT_FALSE(constraint->wants_greedy());
  ASSERT_TRUE(follows(*constraint, byte_tokens(tokenizer, "Paris</｜DSML｜")));
  EXPECT_TRUE(constraint->wants_greedy());
}

}  // namespace
}  // namespace hadal
