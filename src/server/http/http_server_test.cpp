// Requests and answers over real sockets: every form that HTTP/1.1 has.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "hadal/error.h"
#include "server/http/testing_fixture.h"

namespace hadal {
namespace {

using testing::any_port;
using testing::get;
using testing::HttpServerTest;
using testing::post;
using testing::TestClient;
using testing::TestResponse;

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  start();
  TestClient client(port());
  for (int i = 0; i < 3; ++i) {
    const TestResponse response = client.ask(get("/text"));
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "fine\n");
    EXPECT_EQ(response.headers.at("content-type"), "text/plain");
    EXPECT_EQ(response.headers.at("content-length"), "5");
    EXPECT_FALSE(response.headers.contains("connection"));
  }
  EXPECT_EQ(server_->status().accepted, 1u);
}

TEST_F(HttpServerTest, ReportsItsPortAndUrl) {
  start();
  EXPECT_NE(port(), 0);
  EXPECT_EQ(server_->url(), "http://127.0.0.1:" + std::to_string(port()));
}

TEST_F(HttpServerTest, TakenPortIsAnError) {
  start();
  HttpServerOptions same = any_port();
  same.port = port();
  EXPECT_THROW(HttpServer(same, service_), Error);
}

TEST_F(HttpServerTest, ClosesWhenAskedTo) {
  start();
  TestClient client(port());
  const TestResponse response =
      client.ask(get("/text", "Connection: close\r\n"));
  EXPECT_EQ(response.body, "fine\n");
  EXPECT_EQ(response.headers.at("connection"), "close");
  EXPECT_TRUE(client.wait_closed());
}

TEST_F(HttpServerTest, OldClients) {
  start();
  TestClient client(port());
  TestResponse response = client.ask("GET /text HTTP/1.0\r\n\r\n");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "fine\n");
  EXPECT_TRUE(client.wait_closed());

  TestClient keeping(port());
  for (int i = 0; i < 2; ++i) {
    response =
        keeping.ask("GET /text HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    EXPECT_EQ(response.headers.at("connection"), "keep-alive");
    EXPECT_EQ(response.body, "fine\n");
  }
}

TEST_F(HttpServerTest, OldClientsGetStreamsUntilTheConnectionEnds) {
  start();
  const auto script = service_.script("/stream");
  script->push("data: 1\n\n");
  script->finish();
  TestClient client(port());
  const TestResponse response =
      client.ask("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_FALSE(response.headers.contains("transfer-encoding"));
  EXPECT_EQ(response.headers.at("connection"), "close");
  EXPECT_EQ(response.body, "data: 1\n\n");
  EXPECT_TRUE(response.whole);
}

TEST_F(HttpServerTest, BodiesOfBothKinds) {
  start();
  TestClient client(port());
  EXPECT_EQ(client.ask(post("/echo", "hello")).body, "hello");
  EXPECT_EQ(client.ask(post("/echo", "")).body, "");
  const std::string chunked =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
      "Transfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n6;name=value\r\n world\r\n0\r\nTrailer: x\r\n\r\n";
  EXPECT_EQ(client.ask(chunked).body, "hello world");
  // Large ones go over the workers' threads.
  const std::string large(3 << 20, 'y');
  EXPECT_EQ(client.ask(post("/echo", large)).body, large);
  EXPECT_EQ(service_.requests().back().method, "POST");
}

TEST_F(HttpServerTest, RequestsByteByByte) {
  start();
  TestClient client(port());
  const std::string requests =
      post("/echo", "one") +
      "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
      "Transfer-Encoding: chunked\r\n\r\n3\r\ntwo\r\n0\r\n\r\n";
  for (const char c : requests)
    ASSERT_TRUE(client.send(std::string(1, c)));
  EXPECT_EQ(client.response().body, "one");
  EXPECT_EQ(client.response().body, "two");
}

TEST_F(HttpServerTest, PipelinedRequestsAreAnsweredInOrder) {
  start();
  const auto script = service_.script("/stream");
  TestClient client(port());
  std::string requests = get("/stream");
  for (int i = 0; i < 50; ++i)
    requests += post("/echo", std::to_string(i)) + "\r\n";
  client.send(requests);
  ASSERT_TRUE(script->wait_started(std::chrono::seconds(5)));
  EXPECT_EQ(service_.requests().size(), 1u);
  script->push("first");
  script->finish();
  EXPECT_EQ(client.response().body, "first");
  for (int i = 0; i < 50; ++i)
    EXPECT_EQ(client.response().body, std::to_string(i));
}

TEST_F(HttpServerTest, BytesFarAheadWaitInTheSocket) {
  HttpServerOptions given = any_port();
  given.limits.pipelined_bytes = 100;
  start(given);
  const auto script = service_.script("/stream");
  TestClient client(port());
  client.send(get("/stream"));
  ASSERT_TRUE(script->wait_started(std::chrono::seconds(5)));
  const std::string large(1 << 20, 'z');
  std::thread sender([&] { client.send(post("/echo", large)); });
  script->push("first");
  script->finish();
  EXPECT_EQ(client.response().body, "first");
  EXPECT_EQ(client.response().body, large);
  sender.join();
}

TEST_F(HttpServerTest, HeadHasNoBody) {
  start();
  TestClient client(port());
  client.send("HEAD /text HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const TestResponse response = client.response(true);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.headers.at("content-length"), "5");
  EXPECT_EQ(client.ask(get("/text")).body, "fine\n");
  EXPECT_EQ(service_.requests().front().method, "GET");

  const auto script = service_.script("/stream");
  client.send("HEAD /stream HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(client.response(true).status, 200);
  EXPECT_TRUE(script->wait_destroyed(std::chrono::seconds(5)));
  EXPECT_EQ(client.ask(get("/text")).body, "fine\n");
}

TEST_F(HttpServerTest, Expect100Continue) {
  start();
  TestClient client(port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");
  EXPECT_EQ(client.response().body, "hello");
  // A body that came already needs no invitation.
  EXPECT_EQ(
      client.ask(post("/echo", "again", "Expect: 100-continue\r\n")).body,
      "again");
  EXPECT_EQ(
      client.ask(post("/echo", "", "Expect: 100-continue\r\n")).status, 200);
  EXPECT_EQ(ask(post("/echo", "x", "Expect: miracles\r\n")).status, 417);
}

TEST_F(HttpServerTest, PathsAndQueriesAreDecoded) {
  start();
  EXPECT_EQ(
      ask(get("/query?a=1&b=x%20y+z&empty&a=2")).body, "a=2;b=x y z;empty=;");
  EXPECT_EQ(ask(get("/te%78t")).body, "fine\n");
  EXPECT_EQ(ask(get("http://localhost/text")).body, "fine\n");
  EXPECT_EQ(ask(get("/../etc/passwd")).status, 404);
}

TEST_F(HttpServerTest, ManyConnectionsAtOnce) {
  HttpServerOptions given = any_port();
  given.threads = 2;
  start(given);
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 200; ++i)
    clients.push_back(std::make_unique<TestClient>(port()));
  for (int round = 0; round < 3; ++round) {
    for (size_t i = 0; i < clients.size(); ++i)
      clients[i]->send(post("/echo", std::to_string(i)));
    for (size_t i = 0; i < clients.size(); ++i)
      EXPECT_EQ(clients[i]->response().body, std::to_string(i));
  }
  EXPECT_EQ(server_->status().connections, 200u);
}

TEST_F(HttpServerTest, LargeAnswers) {
  start();
  TestClient client(port());
  EXPECT_EQ(client.ask(get("/large")).body.size(), size_t{32} << 20);
  EXPECT_EQ(client.ask(get("/text")).body, "fine\n");
}

}  // namespace
}  // namespace hadal
