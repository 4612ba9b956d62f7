// The routes: which there are, what they allow, and the small ones.
#include "server/api/api_service.h"

#include <gtest/gtest.h>

#include "server/api/routes.h"
#include "server/api/testing.h"

namespace hadal::testing {
namespace {

std::string member(const Answer& answer, std::string_view name) {
  Result<JsonValue> body = parse_json(answer.body);
  if (!body.has_value() || body->find(name) == nullptr)
    return "";
  return print_json(*body->find(name));
}

TEST(ApiService, Loading) {
  ApiService service;
  auto ask = [&](const char* method, const char* path) {
    HttpRequest request;
    request.method = method;
    request.path = path;
    return read_answer(*service.handle(std::move(request)));
  };
  Answer health = ask("GET", "/health");
  EXPECT_EQ(health.status, 503);
  EXPECT_EQ(health.headers["Retry-After"], "5");
  EXPECT_EQ(
      health.body,
      R"({"error":{"message":"Loading model","type":"unavailable_error","param":null,"code":503}})");
  EXPECT_EQ(ask("POST", "/v1/chat/completions").status, 503);
  EXPECT_NE(
      ask("POST", "/v1/messages").body.find("overloaded_error"),
      std::string::npos);
  EXPECT_EQ(ask("GET", "/v1/models").status, 503);
  EXPECT_EQ(ask("GET", "/version").status, 200);
  Answer metrics = ask("GET", "/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_NE(metrics.body.find("hadal_ready 0"), std::string::npos);
}

TEST(ApiService, Stopping) {
  TestServer server;
  EXPECT_EQ(server.get("/health").body, R"({"status":"ok"})");
  server.service.close();
  EXPECT_EQ(server.get("/health").status, 503);
  EXPECT_EQ(server.post("/v1/completions", R"({"prompt":"a"})").status, 503);
}

// A lost GPU: the server says so instead of answering as if all were well.
TEST(ApiService, AFailedEngine) {
  TestServer server;
  server.engine.told_status.failure = "the GPU failed";
  const Answer health = server.get("/health");
  EXPECT_EQ(health.status, 503);
  EXPECT_NE(health.body.find("the GPU failed"), std::string::npos);
  EXPECT_EQ(server.get("/metrics").status, 200);
}

TEST(ApiService, PathsWithAndWithoutV1) {
  TestServer server;
  for (const char* path : {"/v1/chat/completions", "/chat/completions"})
    EXPECT_EQ(
        server.post(path, R"({"messages":[{"role":"user","content":"a"}]})")
            .status,
        200);
  for (const char* path : {"/v1/completions", "/completions"})
    EXPECT_EQ(server.post(path, R"({"prompt":"a"})").status, 200);
  for (const char* path : {"/v1/responses", "/responses"})
    EXPECT_EQ(server.post(path, R"({"input":"a"})").status, 200);
  EXPECT_EQ(
      server
          .post(
              "/v1/messages",
              R"({"max_tokens":5,"messages":[{"role":"user","content":"a"}]})")
          .status,
      200);
  for (const char* path : {"/v1/models", "/models", "/v1/models/nano"})
    EXPECT_EQ(server.get(path).status, 200);
}

TEST(ApiService, UnknownPathsAndWrongMethods) {
  TestServer server;
  for (const char* path :
       {"/nothing",
        "/",
        "/v1",
        "/v1/models/",
        "/v1/chat",
        "/messages",
        "/v1/health",
        "/v1/chat/completions/"}) {
    Answer answer = server.get(path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_TRUE(is_json(answer.body));
  }
  Answer answer = server.get("/v1/chat/completions");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.headers["Allow"], "POST");
  answer = server.post("/v1/models", "{}");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.headers["Allow"], "GET");
  answer = read_answer(*server.send("DELETE", "/v1/messages", ""));
  EXPECT_EQ(answer.status, 405);
  EXPECT_TRUE(answer.body.starts_with(R"({"type":"error",)")) << answer.body;
  EXPECT_EQ(read_answer(*server.send("HEAD", "/health", "")).status, 200);
}

TEST(ApiService, StoredResponses) {
  TestServer server;
  server.engine.script({{.text = "</think>x"}});
  Answer answer = server.post("/v1/responses", R"({"input":"a"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  std::string id = member(answer, "id");
  std::string path = "/v1/responses/" + id.substr(1, id.size() - 2);
  EXPECT_EQ(member(server.get(path), "id"), id);
  EXPECT_EQ(read_answer(*server.send("DELETE", path, "")).status, 200);
  EXPECT_EQ(server.get(path).status, 404);
  EXPECT_EQ(server.get("/v1/responses/resp_unknown").status, 404);
  answer = server.post(path, "{}");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.headers["Allow"], "GET, DELETE");
  answer = server.get(path + "/cancel");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(answer.headers["Allow"], "POST");
}

// With API keys an answer belongs to the key that asked.
TEST(ApiService, StoredResponsesOfAnotherKey) {
  TestServer server;
  const auto ask = [&](const char* key,
                       std::string method,
                       std::string path,
                       std::string body = "") {
    HttpRequest request;
    request.method = std::move(method);
    request.path = std::move(path);
    request.body = std::move(body);
    request.client = request.key_name = key;
    return read_answer(*server.service.handle(std::move(request)));
  };
  server.engine.script({{.text = "</think>x"}});
  const Answer answer =
      ask("anna", "POST", "/v1/responses", R"({"input":"a"})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const std::string quoted = member(answer, "id");
  const std::string path =
      "/v1/responses/" + quoted.substr(1, quoted.size() - 2);
  const std::string next =
      R"({"input":"b","previous_response_id":)" + quoted + "}";
  EXPECT_EQ(ask("anna", "GET", path).status, 200);
  EXPECT_EQ(ask("anna", "GET", path + "/input_items").status, 200);
  for (const char* other : {"ben", ""}) {
    EXPECT_EQ(ask(other, "GET", path).status, 404);
    EXPECT_EQ(ask(other, "GET", path + "/input_items").status, 404);
    EXPECT_EQ(ask(other, "DELETE", path).status, 404);
    EXPECT_EQ(ask(other, "POST", "/v1/responses", next).status, 404);
    EXPECT_EQ(
        ask(other, "POST", "/v1/responses/input_tokens", next).status, 404);
  }
  EXPECT_EQ(ask("anna", "DELETE", path).status, 200);
}

TEST(ApiService, ErrorBodiesOfTheHttpLayer) {
  ApiService service;
  EXPECT_EQ(
      service.error_body(401, "no key", "/v1/models"),
      R"({"error":{"message":"no key","type":"authentication_error","param":null,"code":"invalid_api_key"}})");
  EXPECT_EQ(
      service.error_body(413, "too large", "/v1/messages"),
      R"({"type":"error","error":{"type":"request_too_large","message":"too large"}})");
  for (int status : {400, 404, 405, 408, 411, 413, 429, 431, 500, 503})
    for (const char* path : {"/v1/messages", "/other"})
      EXPECT_TRUE(is_json(service.error_body(status, "m \"\n\xff", path)));
}

TEST(ApiService, Models) {
  TestServer server;
  server.served.facts.bytes = 30'000'000;
  server.served.facts.parameters = 50'000'000;
  EXPECT_EQ(
      server.get("/v1/models").body,
      R"({"object":"list","data":[)"
      R"({"id":"nano","object":"model","created":1780000000,"owned_by":"hadal","root":"nano","max_model_len":2048,"context_length":2048,"meta":{"n_ctx_train":2048,"n_vocab":4224,"n_embd":0,"size":30000000,"n_params":50000000}},)"
      R"({"id":"deepseek-chat","object":"model","created":1780000000,"owned_by":"hadal","root":"nano","max_model_len":2048,"context_length":2048,"meta":{"n_ctx_train":2048,"n_vocab":4224,"n_embd":0,"size":30000000,"n_params":50000000}}]})");
  EXPECT_EQ(
      member(server.get("/v1/models/deepseek-chat"), "id"),
      R"("deepseek-chat")");
  Answer unknown = server.get("/v1/models/org/other");
  EXPECT_EQ(unknown.status, 404);
  EXPECT_NE(unknown.body.find("model_not_found"), std::string::npos);
}

TEST(ApiService, PropsTellTheDefaults) {
  TestServer server;
  server.served.sampling.temperature = 0.5f;
  server.served.info.directory = "/secret/place/nano";
  Answer answer = server.get("/props");
  EXPECT_EQ(member(answer, "model"), R"("nano")");
  EXPECT_EQ(member(answer, "revision"), R"("v4")");
  EXPECT_EQ(member(answer, "n_ctx"), "2048");
  EXPECT_EQ(member(answer, "model_path"), R"("nano")");
  EXPECT_NE(
      member(answer, "default_sampling").find(R"("temperature": 0.5)"),
      std::string::npos);
  EXPECT_NE(
      member(answer, "thinking").find(R"("effort": "high")"),
      std::string::npos);
  EXPECT_EQ(answer.body.find("secret"), std::string::npos);
}

TEST(ApiService, Slots) {
  TestServer server;
  SequenceStatus sequence;
  sequence.id = 3;
  sequence.phase = SequenceStatus::Phase::prompt;
  sequence.prompt_tokens = 100;
  sequence.prompt_done = 60;
  sequence.cached_tokens = 40;
  sequence.seconds = 1.5;
  server.engine.told_status.sequences = {sequence};
  EXPECT_EQ(
      server.get("/slots").body,
      R"([{"id":3,"phase":"prompt","is_processing":true,"n_ctx":2048,"prompt_tokens":100,"prompt_done":60,"cached_tokens":40,"generated_tokens":0,"seconds":1.5}])");
}

TEST(ApiService, Metrics) {
  TestServer server;
  server.engine.script({{.text = "</think>x"}});
  server.post(
      "/v1/chat/completions",
      R"({"messages":[{"role":"user","content":"a"}]})");
  server.post("/v1/chat/completions", "{}");
  server.get("/nothing/with/any?name=\"");
  server.engine.told_status.generated_tokens = 12;
  server.engine.told_status.cache_bytes_used = 1'000;
  server.engine.told_status.sequences.resize(2);
  server.engine.told_status.sequences[1].phase =
      SequenceStatus::Phase::generating;
  Answer answer = server.get("/metrics");
  EXPECT_TRUE(answer.type.starts_with("text/plain; version=0.0.4"));
  for (const char* line :
       {R"(hadal_requests_total{route="/v1/chat/completions",status="200"} 1)",
        R"(hadal_requests_total{route="/v1/chat/completions",status="400"} 1)",
        R"(hadal_requests_total{route="other",status="404"} 1)",
        R"(hadal_finished_total{reason="stop"} 1)",
        "hadal_tool_parse_failures_total 0",
        "hadal_time_to_first_token_seconds_count 1",
        "hadal_inter_token_seconds_count 2",
        "hadal_queue_seconds_count 1",
        "hadal_prompt_tokens_per_second_count 1",
        "hadal_generated_tokens_total 12",
        "hadal_cache_bytes_used 1000",
        "hadal_requests_running 1",
        "hadal_requests_queued 1",
        "# TYPE hadal_queue_seconds histogram"})
    EXPECT_NE(
        answer.body.find("\n" + std::string(line) + "\n"), std::string::npos)
        << line;
}

TEST(ApiService, ParseFailuresAreCounted) {
  TestServer server;
  server.engine.script(
      {{.text = "</think>\n\n<｜DSML｜tool_calls>\nnothing of a call\n"
                "</｜DSML｜tool_calls>"}});
  Answer answer = server.post(
      "/v1/chat/completions",
      R"({"messages":[{"role":"user","content":"a"}],)"
      R"("tools":[{"type":"function","function":{"name":"f"}}]})");
  EXPECT_NE(answer.body.find("nothing of a call"), std::string::npos);
  EXPECT_NE(
      server.get("/metrics").body.find("hadal_tool_parse_failures_total 1\n"),
      std::string::npos);
}

TEST(ApiService, ContextErrorsInBothFamilies) {
  TestServer server;
  server.served.info.context = 3;
  Answer openai = server.post(
      "/v1/chat/completions",
      R"({"messages":[{"role":"user","content":"a"}]})");
  EXPECT_NE(openai.body.find(R"("n_ctx":3)"), std::string::npos);
  Answer anthropic = server.post(
      "/v1/messages",
      R"({"max_tokens":5,"messages":[{"role":"user","content":"a"}]})");
  EXPECT_EQ(anthropic.status, 400);
  EXPECT_TRUE(anthropic.body.starts_with(
      R"({"type":"error","error":{"type":"invalid_request_error",)"))
      << anthropic.body;
}

}  // namespace
}  // namespace hadal::testing
