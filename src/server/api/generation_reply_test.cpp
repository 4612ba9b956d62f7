// Between the engine and the client: cancelling, failing, waiting, limits.
#include "server/api/generation_reply.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "server/api/testing.h"

namespace hadal::testing {
namespace {

constexpr const char* kPath = "/v1/chat/completions";
constexpr const char* kStream =
    R"({"messages":[{"role":"user","content":"Hi"}],"stream":true})";
constexpr const char* kWhole =
    R"({"messages":[{"role":"user","content":"Hi"}]})";

struct Manual : TestServer {
  explicit Manual(std::vector<Script> scripts = {{.text = "r</think>xy"}}) {
    engine.automatic = false;
    engine.script(std::move(scripts));
  }
  std::unique_ptr<Reply> open(const char* body) {
    std::unique_ptr<Reply> reply = send("POST", kPath, body);
    reply->start([this] { ++woken; });
    return reply;
  }
  int woken = 0;
};

TEST(GenerationReply, TheRoleIsSentWhileItWaits) {
  Manual server;
  std::unique_ptr<Reply> reply = server.open(kStream);
  EXPECT_EQ(server.woken, 1);
  BodyPiece piece = reply->take();
  EXPECT_NE(piece.bytes.find(R"("role":"assistant")"), std::string::npos);
  EXPECT_FALSE(piece.last);
  EXPECT_EQ(reply->take().bytes, "");
}

TEST(GenerationReply, GoneClientsCancel) {
  Manual server;
  // In the queue, in the prompt, while it generates.
  for (int stage = 0; stage < 3; ++stage) {
    std::unique_ptr<Reply> reply = server.open(kStream);
    size_t n = server.engine.requests.size() - 1;
    if (stage > 0)
      server.engine.start(n);
    if (stage > 1) {
      EXPECT_TRUE(server.engine.step(n));
    }
    reply.reset();
    ASSERT_EQ(server.engine.cancelled.size(), n + 1);
    EXPECT_EQ(server.engine.cancelled.back(), n + 1);
    // A token that was on its way is refused.
    EXPECT_FALSE(server.engine.step(n));
    server.engine.end(n);
  }
  EXPECT_NE(
      server.service.metrics().text(nullptr).find(
          R"(hadal_requests_total{route="/v1/chat/completions",status="499"} 3)"),
      std::string::npos);
}

TEST(GenerationReply, AWholeAnswerIsNotCancelled) {
  TestServer server;
  server.post(kPath, kWhole);
  EXPECT_TRUE(server.engine.cancelled.empty());
}

TEST(GenerationReply, WithoutStreamingItWakesOnce) {
  Manual server;
  std::unique_ptr<Reply> reply = server.open(kWhole);
  server.engine.play(0);
  EXPECT_EQ(server.woken, 1);
  EXPECT_EQ(reply->status(), 200);
  BodyPiece piece = reply->take();
  EXPECT_TRUE(piece.last);
  EXPECT_NE(piece.bytes.find(R"("content":"xy")"), std::string::npos);
}

TEST(GenerationReply, AStreamWakesOnceForWhatWaits) {
  Manual server;
  std::unique_ptr<Reply> reply = server.open(kStream);
  reply->take();
  server.woken = 0;
  server.engine.start(0);
  server.engine.step(0);
  server.engine.step(0);
  EXPECT_EQ(server.woken, 1);
  EXPECT_NE(reply->take().bytes, "");
  server.engine.step(0);
  EXPECT_EQ(server.woken, 2);
}

TEST(GenerationReply, ABusyEngineSaysWhenToComeBack) {
  TestServer server;
  server.engine.busy_for = 2.2;
  for (const char* body : {kStream, kWhole}) {
    Answer answer = server.post(kPath, body);
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(answer.type, "application/json");
    EXPECT_EQ(answer.headers["Retry-After"], "3");
    EXPECT_EQ(
        answer.body,
        R"({"error":{"message":"the queue is full","type":"unavailable_error","param":null,"code":503}})");
  }
}

// The second of two choices finds the queue full.
class FullAfterOne : public FakeEngine {
 public:
  using FakeEngine::FakeEngine;
  RequestId submit(EngineRequest request) override {
    if (!requests.empty())
      throw EngineBusy("the queue is full", 1);
    automatic = false;
    return FakeEngine::submit(std::move(request));
  }
};

TEST(GenerationReply, ChoicesThatDoNotAllFitAreCancelled) {
  ServedModel served = test_model();
  FullAfterOne engine(served.tokenizer);
  ApiService service;
  service.open(served, engine);
  HttpRequest request;
  request.method = "POST";
  request.path = kPath;
  request.body = R"({"messages":[{"role":"user","content":"Hi"}],"n":2})";
  std::unique_ptr<Reply> reply = service.handle(request);
  EXPECT_EQ(reply->status(), 503);
  EXPECT_EQ(engine.cancelled, std::vector<RequestId>{1});
}

TEST(GenerationReply, FailuresWithoutStreamingAreAStatus) {
  struct Case {
    Script script;
    int status;
    const char* type;
  };
  const Case cases[] = {
      {{.finish = EngineFinish::failed,
        .error = Error(ErrorCode::internal, "/secret/path broke")},
       500,
       "server_error"},
      {{.finish = EngineFinish::failed,
        .error = Error(ErrorCode::resource, "no memory is left")},
       503,
       "unavailable_error"},
      {{.finish = EngineFinish::deadline}, 504, "timeout_error"},
      {{.finish = EngineFinish::cancelled}, 503, "unavailable_error"},
  };
  for (const Case& one : cases) {
    TestServer server;
    server.engine.script({one.script});
    Answer answer = server.post(kPath, kWhole);
    EXPECT_EQ(answer.status, one.status);
    EXPECT_FALSE(answer.broken);
    EXPECT_NE(answer.body.find(one.type), std::string::npos) << answer.body;
    EXPECT_EQ(answer.body.find("secret"), std::string::npos);
  }
}

TEST(GenerationReply, FailuresOfAStreamBreakItOff) {
  TestServer server;
  server.engine.script(
      {{.text = "r</think>x",
        .finish = EngineFinish::failed,
        .error = Error(ErrorCode::resource, "no memory is left")}});
  Answer answer = server.post(kPath, kStream);
  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.broken);
  EXPECT_EQ(answer.body.find("[DONE]"), std::string::npos);
  // What came before the failure is sent.
  EXPECT_NE(answer.body.find(R"("content":"x")"), std::string::npos);
  EXPECT_TRUE(answer.body.ends_with(
      "data: {\"error\":{\"message\":\"no memory is left\",\"type\":"
      "\"unavailable_error\",\"param\":null,\"code\":503}}\n\n"))
      << answer.body;
}

TEST(GenerationReply, AFailureBehindACommittedStatusBreaksOff) {
  Manual server({{.finish = EngineFinish::deadline}});
  std::unique_ptr<Reply> reply = server.open(kWhole);
  EXPECT_EQ(reply->status(), 200);  // keep-alives had to be sent
  EXPECT_EQ(reply->keep_alive(), "\n");
  server.engine.play(0);
  BodyPiece piece = reply->take();
  EXPECT_TRUE(piece.last);
  EXPECT_TRUE(piece.broken);
  EXPECT_TRUE(is_json(piece.bytes));
}

TEST(GenerationReply, OneFailedChoiceEndsAll) {
  Manual server({{.text = "r"}, {.finish = EngineFinish::deadline}});
  std::unique_ptr<Reply> reply = server.open(
      R"({"messages":[{"role":"user","content":"Hi"}],"stream":true,"n":2})");
  server.engine.start(0);
  server.engine.play(1);
  BodyPiece piece = reply->take();
  EXPECT_TRUE(piece.last && piece.broken);
  EXPECT_EQ(server.engine.cancelled.size(), 2u);
  EXPECT_FALSE(server.engine.step(0));
  EXPECT_EQ(reply->take().bytes, "");
}

TEST(GenerationReply, KeepAlivesTellTheProgress) {
  Manual server;
  std::unique_ptr<Reply> reply = server.open(kStream);
  reply->take();
  EXPECT_EQ(reply->keep_alive(), ": keep-alive\n\n");
  server.engine.start(0);
  server.engine.prompt(0, 4);
  EXPECT_EQ(reply->keep_alive(), ": prefill 4/6\n\n");
  // Progress alone is nothing to send.
  EXPECT_EQ(reply->take().bytes, "");
  server.engine.step(0);
  reply->take();
  EXPECT_EQ(reply->keep_alive(), ": keep-alive\n\n");
}

TEST(GenerationReply, ProgressAsChunks) {
  Manual server({{.text = "r</think>x", .cached_tokens = 2}});
  std::unique_ptr<Reply> reply = server.open(
      R"({"messages":[{"role":"user","content":"Hi"}],"stream":true,
          "return_progress":true})");
  reply->take();
  server.engine.start(0);
  server.engine.prompt(0, 4);
  EXPECT_NE(
      reply->take().bytes.find(
          R"("choices":[],"prompt_progress":{"total":6,"cache":2,"processed":4}})"),
      std::string::npos);
  EXPECT_EQ(reply->take().bytes, "");
}

TEST(GenerationReply, ClientsThatDoNotReadAreCutOff) {
  Manual server({{.text = "abababababababababababababab"}});
  server.served.limits.max_waiting_bytes = 400;
  std::unique_ptr<Reply> reply = server.open(kStream);
  server.engine.start(0);
  int steps = 0;
  while (server.engine.step(0))
    ++steps;
  EXPECT_LT(steps, 8);
  server.engine.end(0);
  BodyPiece piece = reply->take();
  EXPECT_TRUE(piece.broken);
  EXPECT_NE(piece.bytes.find("does not read"), std::string::npos);
}

TEST(GenerationReply, TokensFromAnotherThread) {
  std::string text = "</think>";
  std::string expected;
  for (int i = 0; i < 1'000; ++i)
    expected += "ab ";
  Manual server({{.text = text + expected}});
  std::unique_ptr<Reply> reply = server.send("POST", kPath, kStream);
  std::atomic<int> woken = 0;
  reply->start([&] { ++woken; });
  std::thread engine([&] { server.engine.play(0); });
  std::string body;
  for (BodyPiece piece; !piece.last;) {
    piece = reply->take();
    body += piece.bytes;
  }
  engine.join();
  std::string content;
  for (const JsonValue& chunk : stream_chunks(body)) {
    const JsonValue* choice = &chunk.find("choices")->items()[0];
    const JsonValue* delta = choice->find("delta")->find("content");
    if (delta != nullptr && delta->is_string())
      content += delta->as_string();
  }
  EXPECT_EQ(content, expected);
  EXPECT_GE(woken, 1);
}

}  // namespace
}  // namespace hadal::testing
