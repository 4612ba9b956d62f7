// Chat completions without streaming, and the refusal of every field.
#include "server/api/chat_completions.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "server/api/testing.h"

namespace hadal::testing {
namespace {

constexpr const char* kPath = "/v1/chat/completions";

std::string chat(std::string_view more) {
  return R"({"messages":[{"role":"user","content":"Hi"}])" +
         (more.empty() ? "" : "," + std::string(more)) + "}";
}

TEST(ChatCompletions, WholeAnswer) {
  TestServer server;
  server.engine.script({{.text = "r\n</think>Hello", .cached_tokens = 2}});
  Answer answer = server.post(kPath, chat(R"("model":"any/name")"));
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.type, "application/json");
  EXPECT_EQ(
      answer.body,
      R"({"id":"chatcmpl-1","object":"chat.completion","created":1790000000,"model":"any/name","system_fingerprint":"fp_test",)"
      R"("choices":[{"index":0,"message":{"role":"assistant","content":"Hello","reasoning_content":"r"},"logprobs":null,"finish_reason":"stop"}],)"
      R"("usage":{"prompt_tokens":6,"completion_tokens":7,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":2},"completion_tokens_details":{"reasoning_tokens":3},"prompt_cache_hit_tokens":2,"prompt_cache_miss_tokens":4},)"
      R"("timings":{"queue_ms":1.000,"cache_n":2,"prompt_n":4,"prompt_ms":500.000,"prompt_per_second":8.000,"predicted_n":7,"predicted_ms":2000.000,"predicted_per_second":3.500}})");
}

TEST(ChatCompletions, ContentIsNullOnlyBesideCalls) {
  TestServer server;
  server.engine.script(
      {{.text =
            "</think>\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n"
            "\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>"},
       {.text = "</think>"}});
  std::string tools =
      R"("tools":[{"type":"function","function":{"name":"f"}}])";
  Answer calls = server.post(kPath, chat(tools));
  EXPECT_NE(
      calls.body.find(
          R"("message":{"role":"assistant","content":null,"reasoning_content":"","tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},"logprobs":null,"finish_reason":"tool_calls")"),
      std::string::npos)
      << calls.body;
  Answer empty = server.post(kPath, chat(tools));
  EXPECT_NE(
      empty.body.find(R"("content":"","reasoning_content":""})"),
      std::string::npos)
      << empty.body;
}

TEST(ChatCompletions, ACallThatLengthCutIsLeftOut) {
  TestServer server;
  server.engine.script(
      {{.text =
            "</think>ok\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n",
        .finish = EngineFinish::length}});
  Answer answer = server.post(
      kPath, chat(R"("tools":[{"type":"function","function":{"name":"f"}}])"));
  EXPECT_EQ(answer.body.find("tool_calls"), std::string::npos) << answer.body;
  EXPECT_NE(answer.body.find(R"("finish_reason":"length")"), std::string::npos);
}

TEST(ChatCompletions, WhatTheEngineIsAsked) {
  TestServer server;
  server.served.sampling.min_p = 0.05f;
  server.post(kPath, chat(R"("temperature":0.5,"top_p":0.9,"top_k":-1,"seed":-7,
      "presence_penalty":1,"frequency_penalty":-1,"repetition_penalty":1.1,
      "logit_bias":{"7":-100,"8":2.5},"max_tokens":9,"max_completion_tokens":10,
      "min_tokens":3,"stop_token_ids":[100,101],"logprobs":true,
      "top_logprobs":4,"thinking_token_budget":20,"cache_prompt":false,
      "unknown_field":{"a":1},"user":"u","metadata":{},"store":true,
      "service_tier":"auto","safety_identifier":"s","prompt_cache_key":"k")"));
  ASSERT_EQ(server.engine.requests.size(), 1u);
  const EngineRequest& request = server.engine.requests[0];
  EXPECT_EQ(request.sampling.temperature, 0.5f);
  EXPECT_EQ(request.sampling.top_p, 0.9f);
  EXPECT_EQ(request.sampling.top_k, 0);
  EXPECT_EQ(request.sampling.min_p, 0.05f);
  EXPECT_EQ(request.sampling.seed, static_cast<uint64_t>(-7));
  EXPECT_EQ(request.sampling.presence_penalty, 1);
  EXPECT_EQ(request.sampling.frequency_penalty, -1);
  EXPECT_EQ(request.sampling.repetition_penalty, 1.1f);
  std::vector<std::pair<int32_t, float>> bias = {{7, -100.f}, {8, 2.5f}};
  EXPECT_EQ(request.sampling.logit_bias, bias);
  EXPECT_EQ(request.sampling.logprobs, 4);
  EXPECT_EQ(request.max_tokens, 10);
  EXPECT_EQ(request.min_tokens, 3);
  EXPECT_TRUE(
      std::count(request.end_tokens.begin(), request.end_tokens.end(), 101));
  EXPECT_TRUE(std::count(
      request.end_tokens.begin(),
      request.end_tokens.end(),
      server.served.control.eos));
  EXPECT_EQ(request.reasoning.max_tokens, 20);
  EXPECT_TRUE(request.reasoning.starts_inside);
  EXPECT_FALSE(request.use_cache);
  EXPECT_EQ(request.client, "test");
}

TEST(ChatCompletions, SeedsOfAllSizes) {
  TestServer server;
  auto seed = [&](const char* text) {
    server.engine.reset();
    server.post(kPath, chat("\"seed\":" + std::string(text)));
    return server.engine.requests.at(0).sampling.seed;
  };
  EXPECT_EQ(seed("0"), 0u);
  EXPECT_EQ(seed("9223372036854775807"), 9223372036854775807u);
  EXPECT_EQ(seed("18446744073709551615"), 18446744073709551615u);
  EXPECT_EQ(seed("-9223372036854775808"), 9223372036854775808u);
  EXPECT_EQ(seed("-1"), std::nullopt);
}

TEST(ChatCompletions, EveryFieldIsChecked) {
  TestServer server;
  server.served.limits.max_choices = 4;
  struct Case {
    const char* member;
    const char* param;
  };
  const Case cases[] = {
      {R"("model":5)", "model"},
      {R"("max_tokens":0)", "max_tokens"},
      {R"("max_tokens":"9")", "max_tokens"},
      {R"("max_tokens":1.5)", "max_tokens"},
      {R"("max_completion_tokens":-1)", "max_completion_tokens"},
      {R"("temperature":"hot")", "temperature"},
      {R"("temperature":2.5)", "temperature"},
      {R"("top_p":0)", "top_p"},
      {R"("top_p":[])", "top_p"},
      {R"("top_k":1.5)", "top_k"},
      {R"("top_k":-2)", "top_k"},
      {R"("min_p":1.1)", "min_p"},
      {R"("seed":"x")", "seed"},
      {R"("seed":0.5)", "seed"},
      {R"("seed":18446744073709551616)", "seed"},
      {R"("presence_penalty":3)", "presence_penalty"},
      {R"("frequency_penalty":-3)", "frequency_penalty"},
      {R"("repetition_penalty":0)", "repetition_penalty"},
      {R"("logit_bias":[])", "logit_bias"},
      {R"("logit_bias":{"x":1})", "logit_bias.x"},
      {R"("logit_bias":{"4224":1})", "logit_bias.4224"},
      {R"("logit_bias":{"1":101})", "logit_bias.1"},
      {R"("logit_bias":{"1":"a"})", "logit_bias.1"},
      {R"("stop":5)", "stop"},
      {R"("stop":[1])", "stop[0]"},
      {R"("stop_token_ids":[4224])", "stop_token_ids[0]"},
      {R"("stop_token_ids":5)", "stop_token_ids"},
      {R"("min_tokens":-1)", "min_tokens"},
      {R"("min_tokens":9,"max_tokens":8)", "min_tokens"},
      {R"("bad_words":[""])", "bad_words[0]"},
      {R"("bad_words":{})", "bad_words"},
      {R"("stream":"yes")", "stream"},
      {R"("stream_options":true)", "stream_options"},
      {R"("stream_options":{"include_usage":1})",
       "stream_options.include_usage"},
      {R"("n":0)", "n"},
      {R"("n":5)", "n"},
      {R"("n":1.5)", "n"},
      {R"("logprobs":1)", "logprobs"},
      {R"("top_logprobs":2)", "top_logprobs"},
      {R"("logprobs":true,"top_logprobs":21)", "top_logprobs"},
      {R"("tools":{})", "tools"},
      {R"("tools":[{"type":"function","function":{"name":""}}])",
       "tools[0].function.name"},
      {R"("tool_choice":"maybe")", "tool_choice"},
      {R"("tool_choice":{"function":{"name":"g"}})",
       "tool_choice.function.name"},
      {R"("parallel_tool_calls":1)", "parallel_tool_calls"},
      {R"("response_format":{"type":"xml"})", "response_format.type"},
      {R"("response_format":{"type":"json_schema"})",
       "response_format.json_schema.schema"},
      {R"("reasoning_effort":3)", "reasoning_effort"},
      {R"("thinking":"on")", "thinking"},
      {R"("thinking":{"type":"enabled","budget_tokens":"x"})",
       "thinking.budget_tokens"},
      {R"("thinking_token_budget":-2)", "thinking_token_budget"},
      {R"("chat_template_kwargs":[])", "chat_template_kwargs"},
      {R"("continue_final_message":true)", "continue_final_message"},
      {R"("cache_prompt":"no")", "cache_prompt"},
      {R"("return_tokens":"no")", "return_tokens"},
      {R"("return_progress":1)", "return_progress"},
      {R"("timings_per_token":1)", "timings_per_token"},
      {R"("special_in_content":1)", "special_in_content"},
      {R"("ignore_eos":1)", "ignore_eos"},
      {R"("messages":[])", "messages"},
      {R"("messages":[{"role":"robot"}])", "messages[0].role"},
      {R"("messages":[{"role":"user","content":[{"type":"image_url"}]}])",
       "messages[0].content[0].type"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.member);
    Answer answer = server.post(kPath, chat(one.member));
    EXPECT_EQ(answer.status, 400) << answer.body;
    Result<JsonValue> body = parse_json(answer.body);
    ASSERT_TRUE(body.has_value()) << answer.body;
    const JsonValue* error = body->find("error");
    ASSERT_NE(error, nullptr);
    EXPECT_EQ(print_json(*error->find("type")), "\"invalid_request_error\"");
    EXPECT_EQ(
        print_json(*error->find("param")), "\"" + std::string(one.param) + "\"")
        << answer.body;
    EXPECT_FALSE(error->find("message")->as_string().empty());
  }
  EXPECT_TRUE(server.engine.requests.empty());
}

TEST(ChatCompletions, NullIsAbsent) {
  TestServer server;
  server.engine.script({{.text = "</think>x"}});
  Answer answer = server.post(
      kPath,
      chat(R"("model":null,"max_tokens":null,"temperature":null,"top_k":null,
      "seed":null,"logit_bias":null,"stop":null,"stream":null,"n":null,
      "stream_options":null,"logprobs":null,"top_logprobs":null,"tools":null,
      "tool_choice":null,"response_format":null,"thinking":null,
      "stop_token_ids":null,"bad_words":null)"));
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_NE(answer.body.find(R"("model":"nano")"), std::string::npos);
}

TEST(ChatCompletions, ContextExceeded) {
  TestServer server;
  std::string text;
  for (int i = 0; i < 2'100; ++i)
    text += " a";
  Answer answer = server.post(
      kPath, R"({"messages":[{"role":"user","content":")" + text + "\"}]}");
  EXPECT_EQ(answer.status, 400);
  JsonValue body = parse_json(answer.body).value();
  const JsonValue* error = body.find("error");
  EXPECT_EQ(error->find("code")->as_string(), "context_length_exceeded");
  EXPECT_EQ(error->find("n_ctx")->number_text(), "2048");
  EXPECT_GT(error->find("n_prompt_tokens")->as_double(), 2'100);
}

TEST(ChatCompletions, BodiesThatAreNoObject) {
  TestServer server;
  for (const char* body : {"", "{", "[]", "5", "{\"messages\":", "\xff"}) {
    Answer answer = server.post(kPath, body);
    EXPECT_EQ(answer.status, 400) << body;
    EXPECT_TRUE(is_json(answer.body)) << answer.body;
  }
  server.served.limits.body.max_depth = 4;
  EXPECT_EQ(server.post(kPath, chat(R"("x":[[[[[]]]]])")).status, 400);
  server.served.limits.body.max_bytes = 10;
  EXPECT_EQ(server.post(kPath, chat("")).status, 413);
}

}  // namespace
}  // namespace hadal::testing
