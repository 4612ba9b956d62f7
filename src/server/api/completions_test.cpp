// Raw completions: prompts in four forms, echo, filling in, log-probabilities.
#include "server/api/completions.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "server/api/testing.h"

namespace hadal::testing {
namespace {

constexpr const char* kPath = "/v1/completions";

std::string text_of(const TestServer& server, size_t n = 0) {
  return server.served.tokenizer.decode(server.engine.requests[n].prompt);
}

TEST(Completions, WholeAnswer) {
  TestServer server;
  server.engine.script({{.text = " <think>x</think>"}});
  EXPECT_EQ(
      server.post(kPath, R"({"model":"m","prompt":"Hi","max_tokens":20})").body,
      R"({"id":"cmpl-1","object":"text_completion","created":1790000000,"model":"m","system_fingerprint":"fp_test",)"
      R"("choices":[{"index":0,"text":" <think>x</think>","logprobs":null,"finish_reason":"stop"}],)"
      R"("usage":{"prompt_tokens":3,"completion_tokens":5,"total_tokens":8,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0},"prompt_cache_hit_tokens":0,"prompt_cache_miss_tokens":3},)"
      R"("timings":{"queue_ms":1.000,"cache_n":0,"prompt_n":3,"prompt_ms":500.000,"prompt_per_second":6.000,"predicted_n":5,"predicted_ms":2000.000,"predicted_per_second":2.500}})");
  EXPECT_EQ(text_of(server), "<｜begin▁of▁sentence｜>Hi");
  EXPECT_FALSE(server.engine.requests[0].reasoning.starts_inside);
}

TEST(Completions, BosStandsInFrontOnce) {
  TestServer server;
  server.post(kPath, R"({"prompt":"<｜begin▁of▁sentence｜><｜User｜>Hi"})");
  EXPECT_EQ(text_of(server), "<｜begin▁of▁sentence｜><｜User｜>Hi");
  EXPECT_EQ(server.engine.requests[0].prompt[1], server.served.control.user);
  server.post(kPath, R"({"prompt":"Hi","add_special_tokens":false})");
  EXPECT_EQ(text_of(server, 1), "Hi");
}

TEST(Completions, FormsOfThePrompt) {
  TestServer server;
  server.post(kPath, R"({"prompt":[70,71]})");
  EXPECT_EQ(server.engine.requests[0].prompt, (std::vector<int32_t>{70, 71}));
  server.engine.script(
      {{.text = "1"}, {.text = "2"}, {.text = "3"}, {.text = "4"}});
  Answer answer = server.post(kPath, R"({"prompt":["a",[70]],"n":2})");
  EXPECT_EQ(server.engine.requests.size(), 5u);
  std::string indices;
  JsonValue body = parse_json(answer.body).value();
  for (const JsonValue& choice : body.find("choices")->items())
    indices += choice.find("index")->number_text() +
               choice.find("text")->as_string() + " ";
  EXPECT_EQ(indices, "01 12 23 34 ");
  // Two tokens of the first prompt, one of the second; each counted once.
  EXPECT_EQ(body.find("usage")->find("prompt_tokens")->number_text(), "3");
}

TEST(Completions, EchoStreamsThePromptFirst) {
  TestServer server;
  server.engine.script({{.text = "xy"}});
  Answer answer =
      server.post(kPath, R"({"prompt":"Hi","echo":true,"stream":true})");
  std::string texts;
  for (const JsonValue& chunk : stream_chunks(answer.body))
    texts += chunk.find("choices")->items()[0].find("text")->as_string() + "|";
  EXPECT_EQ(texts, "Hi|xy||");
  EXPECT_TRUE(answer.body.ends_with("data: [DONE]\n\n"));
  answer = server.post(kPath, R"({"prompt":[70],"echo":true})");
  EXPECT_NE(
      answer.body.find(
          "\"text\":\"" + server.served.tokenizer.decode(std::vector{70}) +
          "xy\""),
      std::string::npos);
}

TEST(Completions, FillInTheMiddle) {
  TestServer server;
  server.post(kPath, R"({"prompt":"a <｜User｜>","suffix":" b"})");
  EXPECT_EQ(
      text_of(server),
      "<｜begin▁of▁sentence｜><｜fim▁begin｜>a <｜User｜><｜fim▁hole｜> b"
      "<｜fim▁end｜>");
  // What the user typed is no control token.
  EXPECT_EQ(
      std::count(
          server.engine.requests[0].prompt.begin(),
          server.engine.requests[0].prompt.end(),
          server.served.control.user),
      0);
  server.post(kPath, R"({"prompt":"a","suffix":""})");
  EXPECT_EQ(text_of(server, 1), "<｜begin▁of▁sentence｜>a");
}

TEST(Completions, StopStringsAndHeldCharacters) {
  TestServer server;
  server.engine.script({{.text = "one END two"}, {.text = "one EN"}});
  Answer answer = server.post(kPath, R"({"prompt":"a","stop":"END"})");
  EXPECT_NE(
      answer.body.find(
          R"("text":"one ","logprobs":null,"finish_reason":"stop","stop_reason":"END")"),
      std::string::npos)
      << answer.body;
  answer = server.post(kPath, R"({"prompt":"a","stop":["END"]})");
  EXPECT_NE(answer.body.find(R"("text":"one EN",)"), std::string::npos);
}

TEST(Completions, LogprobsAsParallelLists) {
  TestServer server;
  server.engine.script({{.text = "x z"}});
  Answer answer = server.post(kPath, R"({"prompt":"Hi","logprobs":1})");
  EXPECT_NE(
      answer.body.find(
          R"("logprobs":{"tokens":["x"," ","z"],"token_logprobs":[-0.25,-0.5,-0.75],"top_logprobs":[{"x":-0.25},{" ":-0.5},{"z":-0.75}],"text_offset":[0,1,2]})"),
      std::string::npos)
      << answer.body;
  EXPECT_EQ(server.engine.requests[0].sampling.logprobs, 1);
}

TEST(Completions, Refusals) {
  TestServer server;
  server.served.limits.max_completions = 3;
  struct Case {
    const char* body;
    const char* param;
  };
  const Case cases[] = {
      {R"({})", "prompt"},
      {R"({"prompt":5})", "prompt"},
      {R"({"prompt":[]})", "prompt"},
      {R"({"prompt":[[]]})", "prompt[0]"},
      {R"({"prompt":["a",5]})", "prompt[1]"},
      {R"({"prompt":[5,"a"]})", "prompt[1]"},
      {R"({"prompt":[4224]})", "prompt[0]"},
      {R"({"prompt":[-1]})", "prompt[0]"},
      {R"({"prompt":["a","b","c","d"]})", "prompt"},
      {R"({"prompt":["a","b"],"n":2})", "n"},
      {R"({"prompt":"a","best_of":3})", "best_of"},
      {R"({"prompt":"a","n":2,"best_of":3})", "best_of"},
      {R"({"prompt":"a","logprobs":true})", "logprobs"},
      {R"({"prompt":"a","logprobs":1,"echo":true})", "logprobs"},
      {R"({"prompt":"a","echo":1})", "echo"},
      {R"({"prompt":"a","suffix":5})", "suffix"},
      {R"({"prompt":[70],"suffix":"b"})", "suffix"},
      {R"({"prompt":"a","max_tokens":0})", "max_tokens"},
      {R"({"prompt":"a","stop":[""]})", "stop"},
      {R"({"prompt":"a","temperature":3})", "temperature"},
      {R"({"prompt":"","add_special_tokens":false})", "prompt"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.body);
    Answer answer = server.post(kPath, one.body);
    EXPECT_EQ(answer.status, 400) << answer.body;
    JsonValue body = parse_json(answer.body).value();
    const JsonValue* param = body.find("error")->find("param");
    EXPECT_EQ(
        param->is_string() ? param->as_string() : "null",
        std::string(one.param));
  }
  EXPECT_TRUE(server.engine.requests.empty());
  EXPECT_EQ(
      server.post(kPath, R"({"prompt":"a","n":2,"best_of":2})").status, 200);
}

}  // namespace
}  // namespace hadal::testing
