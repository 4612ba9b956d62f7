// Turns as generated: kept, found, and printed again so that tokens match.
#include "server/api/replay_store.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "server/api/testing.h"

namespace hadal::testing {
namespace {

ChatMessage assistant(
    std::string content, std::string id, std::string arguments) {
  ChatMessage message;
  message.role = ChatRole::assistant;
  message.content = std::move(content);
  message.tool_calls = {{std::move(id), "f", JsonValue::string(arguments)}};
  return message;
}

ReplayTurn turn(std::string id) {
  ReplayTurn turn;
  turn.reasoning = "why";
  turn.content = "ok";
  turn.calls = {{std::move(id), "f", R"({"a": 1, "b": [true, "x"]})"}};
  turn.raw_reasoning = {{"why\n", false}};
  turn.raw_answer = {{"raw", false}};
  return turn;
}

ChatMessage restored(ReplayStore& store, ChatMessage message) {
  std::vector<ChatMessage> messages = {std::move(message)};
  store.restore(messages);
  return messages[0];
}

TEST(ReplayStore, EqualArgumentsGiveTheTurnBack) {
  ReplayStore store;
  store.remember(turn("c1"));
  for (const char* same :
       {R"({"a": 1, "b": [true, "x"]})",
        R"({"b":[true,"x"],"a":1})",
        R"({ "a" : 1.0, "b" : [ true, "\u0078" ] })"}) {
    ChatMessage message = restored(store, assistant("ok", "c1", same));
    EXPECT_EQ(message.raw_answer, turn("").raw_answer) << same;
    EXPECT_EQ(message.raw_reasoning, turn("").raw_reasoning);
    EXPECT_EQ(message.reasoning, "why");
  }
}

TEST(ReplayStore, WhatTheClientChangedStands) {
  ReplayStore store;
  store.remember(turn("c1"));
  for (const char* other :
       {R"({"a": 2, "b": [true, "x"]})",
        R"({"a": 1, "b": ["x", true]})",
        R"({"a": 1})",
        R"({"a": 1, "b": [true, "x"], "c": null})",
        "no json"})
    EXPECT_TRUE(
        restored(store, assistant("ok", "c1", other)).raw_answer.empty())
        << other;
  ChatMessage message =
      restored(store, assistant("other", "c1", R"({"a":1,"b":[true,"x"]})"));
  EXPECT_TRUE(message.raw_answer.empty());
  EXPECT_EQ(message.reasoning, "why");

  ChatMessage thought = assistant("ok", "c1", R"({"a":1,"b":[true,"x"]})");
  thought.reasoning = "something else";
  thought = restored(store, thought);
  EXPECT_EQ(thought.reasoning, "something else");
  EXPECT_TRUE(thought.raw_reasoning.empty());
  EXPECT_FALSE(thought.raw_answer.empty());
}

TEST(ReplayStore, IdsThatRepeatTellNothing) {
  ReplayStore store;
  store.remember(turn("c1"));
  std::vector<ChatMessage> messages(
      2, assistant("ok", "c1", R"({"a":1,"b":[true,"x"]})"));
  store.restore(messages);
  for (const ChatMessage& message : messages) {
    EXPECT_TRUE(message.raw_answer.empty());
    EXPECT_EQ(message.reasoning, "");
  }
  EXPECT_EQ(restored(store, assistant("ok", "unknown", "{}")).reasoning, "");
}

TEST(ReplayStore, TheLeastRecentlyUsedGo) {
  ReplayStore probe;
  probe.remember(turn("c1"));
  ReplayStore store(probe.bytes() * 2 + 10);
  store.remember(turn("c1"));
  store.remember(turn("c2"));
  restored(store, assistant("ok", "c1", "{}"));
  store.remember(turn("c3"));
  EXPECT_EQ(store.turns(), 2u);
  EXPECT_EQ(restored(store, assistant("", "c1", "{}")).reasoning, "why");
  EXPECT_EQ(restored(store, assistant("", "c2", "{}")).reasoning, "");
  store.remember(turn("c1"));  // again: replaced
  EXPECT_EQ(store.turns(), 2u);
  ReplayStore tiny(100);
  tiny.remember(turn("c1"));
  EXPECT_EQ(tiny.turns(), 0u);
  EXPECT_EQ(tiny.bytes(), 0u);
}

TEST(ReplayStore, NumbersOfAnySize) {
  auto same = [](const char* a, const char* b) {
    return equal_arguments(parse_json(a).value(), parse_json(b).value());
  };
  EXPECT_TRUE(same("1", "1.0"));
  EXPECT_TRUE(same("1e2", "100"));
  EXPECT_FALSE(same("12345678901234567890", "12345678901234567891"));
  EXPECT_TRUE(same("12345678901234567890", "12345678901234567890"));
  EXPECT_FALSE(same("1", "\"1\""));
}

constexpr const char* kTools =
    R"("tools":[{"type":"function","function":{"name":"f"}}])";
// Odd spacing and a control token in a value, which the encoder would not
// print like this.
constexpr const char* kGenerated =
    "why\n\n</think>ok\n\n\n<｜DSML｜tool_calls>\n\n<｜DSML｜invoke "
    "name=\"f\">\n"
    "<｜DSML｜parameter name=\"b\" string=\"true\">x "
    "<think></｜DSML｜parameter>"
    "<｜DSML｜parameter name=\"a\" string=\"false\"> 1</｜DSML｜parameter>\n"
    "</｜DSML｜invoke>\n</｜DSML｜tool_calls>";

std::string second_turn(
    const std::string& id, std::string_view arguments, std::string_view more) {
  return std::string(
             R"({"messages":[{"role":"user","content":"Hi"},)"
             R"({"role":"assistant","content":"ok","tool_calls":[{"id":")") +
         id + R"(","type":"function","function":{"name":"f","arguments":)" +
         std::string(arguments) + "}}]" + std::string(more) +
         R"(},{"role":"tool","tool_call_id":")" + id +
         R"(","content":"done"}],)" + kTools + "}";
}

// The first turn's prompt and output must be the second prompt's beginning.
TEST(ReplayStore, TheNextPromptBeginsWithTheGeneratedTokens) {
  TestServer server;
  server.engine.script({{.text = kGenerated}});
  server.post(
      "/v1/chat/completions",
      std::string(R"({"messages":[{"role":"user","content":"Hi"}],)") + kTools +
          "}");
  ASSERT_EQ(server.replay.turns(), 1u);
  std::vector<int32_t> expected = server.engine.requests[0].prompt;
  std::vector<int32_t> output =
      server.served.tokenizer.encode(kGenerated, SpecialTokens::recognised);
  expected.insert(expected.end(), output.begin(), output.end());
  expected.push_back(server.served.control.eos);

  for (const char* arguments :
       {R"("{\"a\":1,\"b\":\"x <think>\"}")",
        R"("{\"b\": \"x <think>\", \"a\": 1}")"}) {
    server.post("/v1/chat/completions", second_turn("call_1", arguments, ""));
    const std::vector<int32_t>& prompt = server.engine.requests.back().prompt;
    ASSERT_GT(prompt.size(), expected.size());
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), prompt.begin()))
        << server.served.tokenizer.decode(prompt);
  }
  // Changed arguments are printed as the client sent them.
  server.post(
      "/v1/chat/completions", second_turn("call_1", R"("{\"a\":2}")", ""));
  std::string text =
      server.served.tokenizer.decode(server.engine.requests.back().prompt);
  EXPECT_NE(
      text.find("why\n\n</think>ok\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke "
                "name=\"f\">\n<｜DSML｜parameter name=\"a\" "
                "string=\"false\">2</｜DSML｜parameter>"),
      std::string::npos)
      << text;
}

TEST(ReplayStore, AForcedCallIncludesWhatThePromptOpened) {
  TestServer server;
  server.engine.script(
      {{.text = "<｜DSML｜invoke name=\"f\">\n\n</｜DSML｜invoke>\n"
                "</｜DSML｜tool_calls>\n\n"}});
  std::string off =
      R"("tool_choice":"required","thinking":{"type":"disabled"},)";
  server.post(
      "/v1/chat/completions",
      R"({"messages":[{"role":"user","content":"Hi"}],)" + off + kTools + "}");
  ASSERT_EQ(server.replay.turns(), 1u);
  std::vector<ChatMessage> messages = {assistant("", "call_1", "{}")};
  server.replay.restore(messages);
  std::string text;
  for (const TextSpan& span : messages[0].raw_answer)
    text += span.text;
  EXPECT_EQ(
      text,
      "\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n\n"
      "</｜DSML｜invoke>\n</｜DSML｜tool_calls>");
}

TEST(ReplayStore, CutTurnsAreNotKept) {
  TestServer server;
  server.engine.script(
      {{.text = "</think>\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">",
        .finish = EngineFinish::length}});
  server.post(
      "/v1/chat/completions",
      std::string(R"({"messages":[{"role":"user","content":"Hi"}],)") + kTools +
          "}");
  EXPECT_EQ(server.replay.turns(), 0u);
}

}  // namespace
}  // namespace hadal::testing
