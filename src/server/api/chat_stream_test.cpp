// Whole transcripts of streamed chats, byte for byte, with a scripted engine.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "server/api/testing.h"

namespace hadal::testing {
namespace {

constexpr std::string_view kHead =
    R"({"id":"chatcmpl-1","object":"chat.completion.chunk",)"
    R"("created":1790000000,"model":"nano","system_fingerprint":"fp_test",)";

// The head that all chunks share becomes "{*".
std::string shortened(std::string text) {
  size_t at = 0;
  while ((at = text.find(kHead, at)) != std::string::npos)
    text.replace(at, kHead.size(), "{*");
  return text;
}

// The stream of one request when the client takes what there is after every
// token of every choice, in turns.
std::string transcript(
    TestServer& server, std::string_view body, size_t choices = 1) {
  server.engine.automatic = false;
  std::unique_ptr<Reply> reply =
      server.send("POST", "/v1/chat/completions", body);
  EXPECT_EQ(reply->status(), 200);
  EXPECT_TRUE(reply->is_stream());
  EXPECT_EQ(reply->content_type(), "text/event-stream");
  reply->start([] {});
  std::string out = reply->take().bytes;
  for (size_t n = 0; n < choices; ++n)
    server.engine.start(n);
  bool more = true;
  while (more) {
    more = false;
    for (size_t n = 0; n < choices; ++n) {
      more = server.engine.step(n) || more;
      out += reply->take().bytes;
    }
  }
  for (size_t n = 0; n < choices; ++n)
    server.engine.end(n);
  BodyPiece last = reply->take();
  EXPECT_TRUE(last.last);
  EXPECT_FALSE(last.broken);
  return shortened(out + last.bytes);
}

constexpr const char* kChat =
    R"({"model":"nano","messages":[{"role":"user","content":"Hi"}],)"
    R"("stream":true)";

std::string chat(std::string_view more) {
  return std::string(kChat) + std::string(more) + "}";
}

constexpr const char* kTimings =
    R"("timings":{"queue_ms":1.000,"cache_n":4,"prompt_n":2,)"
    R"("prompt_ms":500.000,"prompt_per_second":4.000,"predicted_n":6,)"
    R"("predicted_ms":2000.000,"predicted_per_second":3.000})";

TEST(ChatStream, ReasoningContentAndUsage) {
  TestServer server;
  server.engine.script({{.text = "I think.\n</think>x", .cached_tokens = 4}});
  std::string expected =
      R"(data: {*"choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":""},"finish_reason":null}],"usage":null}

data: {*"choices":[{"index":0,"delta":{"reasoning_content":"I"},"finish_reason":null}],"usage":null}

data: {*"choices":[{"index":0,"delta":{"reasoning_content":" think"},"finish_reason":null}],"usage":null}

data: {*"choices":[{"index":0,"delta":{"reasoning_content":"."},"finish_reason":null}],"usage":null}

data: {*"choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}],"usage":null}

data: {*"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null,)" +
      std::string(kTimings) + R"(}

data: {*"choices":[],"usage":{"prompt_tokens":6,"completion_tokens":6,"total_tokens":12,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":4},"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":2}}

data: [DONE]

)";
  EXPECT_EQ(
      transcript(server, chat(R"(,"stream_options":{"include_usage":true})")),
      expected);
}

TEST(ChatStream, ChatModeHasNoReasoningField) {
  TestServer server;
  server.engine.script({{.text = "x"}});
  std::string text =
      transcript(server, chat(R"(,"thinking":{"type":"disabled"})"));
  EXPECT_EQ(text.find("reasoning"), std::string::npos);
  EXPECT_EQ(text.find("usage"), std::string::npos);
  EXPECT_NE(text.find(R"("delta":{"content":"x"})"), std::string::npos);
}

TEST(ChatStream, NamesOfTheReasoningField) {
  for (ReasoningField field :
       {ReasoningField::reasoning, ReasoningField::both}) {
    TestServer server;
    server.served.reasoning_field = field;
    server.engine.script({{.text = "r</think>x"}});
    std::string text = transcript(server, chat(""));
    EXPECT_NE(text.find(R"("reasoning":"r"})"), std::string::npos) << text;
    bool both = text.find(R"("reasoning_content":"r",)") != std::string::npos;
    EXPECT_EQ(both, field == ReasoningField::both);
  }
}

constexpr const char* kTools =
    R"(,"tools":[{"type":"function","function":{"name":"f"}}])";

constexpr const char* kCalls =
    "r</think>ok\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n"
    "<｜DSML｜parameter name=\"a\" string=\"true\">x y</｜DSML｜parameter>\n"
    "<｜DSML｜parameter name=\"n\" string=\"false\">3</｜DSML｜parameter>\n"
    "</｜DSML｜invoke>\n<｜DSML｜invoke name=\"f\">\n\n</｜DSML｜invoke>\n"
    "</｜DSML｜tool_calls>and more";

TEST(ChatStream, ToolCallsInFragments) {
  TestServer server;
  server.engine.script({{.text = kCalls}});
  std::string text = transcript(server, chat(kTools));
  // The chunks between the reasoning and the end.
  size_t from =
      text.find(R"(data: {*"choices":[{"index":0,"delta":{"content")");
  size_t to = text.find(R"(,"timings")");
  ASSERT_NE(from, std::string::npos) << text;
  ASSERT_NE(to, std::string::npos);
  EXPECT_EQ(
      text.substr(from, to - from),
      R"x(data: {*"choices":[{"index":0,"delta":{"content":"ok"},"finish_reason":null}]}

data: {*"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]},"finish_reason":null}]}

data: {*"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\": \""}}]},"finish_reason":null}]}

data: {*"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"x"}}]},"finish_reason":null}]}

data: {*"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":" y"}}]},"finish_reason":null}]}

data: {*"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\""}}]},"finish_reason":null}]}

data: {*"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":", \"n\": 3"}}]},"finish_reason":null}]}

data: {*"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]},"finish_reason":null}]}

data: {*"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"f","arguments":""}}]},"finish_reason":null}]}

data: {*"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]},"finish_reason":null}]}

data: {*"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}])x");
}

TEST(ChatStream, OneCallWhenParallelCallsAreOff) {
  TestServer server;
  server.engine.script({{.text = kCalls}});
  std::string text = transcript(
      server, chat(std::string(kTools) + R"(,"parallel_tool_calls":false)"));
  EXPECT_NE(text.find("call_1"), std::string::npos);
  EXPECT_EQ(text.find("call_2"), std::string::npos);
}

TEST(ChatStream, NoCallsWithChoiceNone) {
  TestServer server;
  server.engine.script({{.text = kCalls}});
  std::string text = transcript(
      server, chat(std::string(kTools) + R"(,"tool_choice":"none")"));
  EXPECT_EQ(text.find("\"tool_calls\":"), std::string::npos);
  EXPECT_NE(text.find(R"("finish_reason":"stop")"), std::string::npos);
}

TEST(ChatStream, TwoChoicesTakeTurns) {
  TestServer server;
  server.engine.script({{.text = "a</think>b"}, {.text = "c</think>d"}});
  std::string text = transcript(
      server,
      chat(R"(,"n":2,"seed":5,"stream_options":{"include_usage":true})"),
      2);
  std::vector<std::pair<int64_t, std::string>> told;
  std::string usage;
  std::string whole = text;
  size_t at = 0;
  while ((at = whole.find("{*", at)) != std::string::npos)
    whole.replace(at, 2, kHead);
  for (const JsonValue& chunk : stream_chunks(whole)) {
    const JsonValue::Array& choices = chunk.find("choices")->items();
    if (choices.empty()) {
      usage = print_json(*chunk.find("usage"));
      continue;
    }
    told.emplace_back(
        *as_integer(*choices[0].find("index")),
        print_json(*choices[0].find("delta")));
  }
  std::vector<std::pair<int64_t, std::string>> expected = {
      {0, R"({"role": "assistant", "content": null, "reasoning_content": ""})"},
      {1, R"({"role": "assistant", "content": null, "reasoning_content": ""})"},
      {0, R"({"reasoning_content": "a"})"},
      {1, R"({"reasoning_content": "c"})"},
      {0, R"({"content": "b"})"},
      {1, R"({"content": "d"})"},
      {0, "{}"},
      {1, "{}"}};
  EXPECT_EQ(told, expected);
  // The prompt counts once.
  EXPECT_TRUE(usage.starts_with(
      R"({"prompt_tokens": 6, "completion_tokens": 8, "total_tokens": 14)"))
      << usage;
  EXPECT_EQ(server.engine.requests[0].sampling.seed, 5u);
  EXPECT_EQ(server.engine.requests[1].sampling.seed, 6u);
}

TEST(ChatStream, LogprobsStandWithTheirText) {
  TestServer server;
  // The stop string holds back "ab" until it is known that it is none.
  server.engine.script({{.text = "</think>abd"}});
  std::string text = transcript(
      server, chat(R"(,"logprobs":true,"top_logprobs":1,"stop":"abc")"));
  size_t from = text.find(R"("delta":{"content":"abd"})");
  ASSERT_NE(from, std::string::npos) << text;
  std::string chunk = text.substr(from, text.find("\n\n", from) - from);
  EXPECT_EQ(
      chunk,
      R"("delta":{"content":"abd"},"logprobs":{"content":[)"
      R"({"token":"</think>","logprob":-0.25,"bytes":[60,47,116,104,105,110,107,62],"top_logprobs":[{"token":"</think>","logprob":-0.25,"bytes":[60,47,116,104,105,110,107,62]}]},)"
      R"({"token":"ab","logprob":-0.5,"bytes":[97,98],"top_logprobs":[{"token":"ab","logprob":-0.5,"bytes":[97,98]}]},)"
      R"({"token":"d","logprob":-0.75,"bytes":[100],"top_logprobs":[{"token":"d","logprob":-0.75,"bytes":[100]}]}]},)"
      R"("finish_reason":null}]})");
  EXPECT_NE(
      text.find(R"("delta":{},"logprobs":null,"finish_reason":"stop")"),
      std::string::npos);
}

TEST(ChatStream, StopStringsAcrossTokens) {
  TestServer server;
  server.engine.script({{.text = "STOP here</think>one STOP two"}});
  std::string text = transcript(server, chat(R"(,"stop":["STOP","nope"])"));
  std::string content;
  std::string whole = text;
  EXPECT_NE(
      text.find(R"("finish_reason":"stop","stop_reason":"STOP"}])"),
      std::string::npos);
  EXPECT_EQ(text.find("two"), std::string::npos);
  EXPECT_NE(text.find("here"), std::string::npos);
  // Generation ended with the token that completed it.
  EXPECT_LT(
      text.find(R"("content":"one)"), text.find(R"("finish_reason":"stop")"));
}

TEST(ChatStream, TokensTimingsAndRunningUsage) {
  TestServer server;
  server.engine.script({{.text = "</think>xy"}});
  std::string text = transcript(
      server,
      chat(R"(,"return_tokens":true,"timings_per_token":true,)"
           R"("stream_options":{"continuous_usage_stats":true})"));
  int32_t x = server.served.tokenizer.find("x").value();
  int32_t close = server.served.tokenizer.find("</think>").value();
  EXPECT_NE(
      text.find(fmt::format(
          R"("delta":{{"content":"x"}},"token_ids":[{},{}])", close, x)),
      std::string::npos)
      << text;
  EXPECT_NE(
      text.find(R"("usage":{"prompt_tokens":6,"completion_tokens":3,)"),
      std::string::npos);
  EXPECT_NE(text.find(R"("timings":{"predicted_n":2,)"), std::string::npos);
}

}  // namespace
}  // namespace hadal::testing
