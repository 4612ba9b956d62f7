// Requests that are not HTTP, that two readers could understand differently, or
// that are too large or too many.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "server/http/testing_fixture.h"

namespace hadal {
namespace {

using testing::any_port;
using testing::get;
using testing::HttpServerTest;
using testing::post;
using testing::TestClient;
using testing::TestResponse;

using HttpRefusalTest = HttpServerTest;

TEST_F(HttpRefusalTest, BadRequestsAreRefusedAndTheConnectionCloses) {
  start();
  const std::string host = "Host: localhost\r\n";
  const std::pair<std::string, int> cases[] = {
      {"nonsense\r\n\r\n", 400},
      {"GET /text\r\n\r\n", 400},
      {"GET /text HTTP/2.0\r\n" + host + "\r\n", 505},
      {"GET /text HTTP/1.1\r\n\r\n", 400},  // no Host
      {"GET /text HTTP/1.1\r\n" + host + host + "\r\n", 400},
      {"GET /te%zzt HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /te%00xt HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET text HTTP/1.1\r\n" + host + "\r\n", 400},
      {"GET /text HTTP/1.1\r\n" + host + "Bad Name: x\r\n\r\n", 400},
      {"GET /text HTTP/1.1\r\n" + host + "X: a\nY: b\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\n" + host + "\r\n", 411},
      {"POST /echo HTTP/1.1\r\n" + host + "Content-Length: x\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\n" + host + "Content-Length: -1\r\n\r\n", 400},
      // Two ways to say where the request ends: who believes which?
      {"POST /echo HTTP/1.1\r\n" + host +
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400},
      {"POST /echo HTTP/1.1\r\n" + host +
           "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
       400},
      {"POST /echo HTTP/1.1\r\n" + host +
           "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
       400},
      {"POST /echo HTTP/1.1\r\n" + host +
           "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello",
       400},
      {"POST /echo HTTP/1.1\r\n" + host + "Content-Length: 5, 5\r\n\r\nhello",
       400},
      {"POST /echo HTTP/1.1\r\n" + host +
           "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
       400},
      {"POST /echo HTTP/1.1\r\n" + host +
           "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello",
       400},
      {"POST /echo HTTP/1.1\r\n" + host +
           "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
       400},
      {"POST /echo HTTP/1.0\r\n" + host +
           "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
       400},
      {"POST /echo HTTP/1.1\r\n" + host +
           "Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
       400},
      {"POST /echo HTTP/1.1\r\n" + host +
           "Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n",
       400},
  };
  for (const auto& [request, status] : cases) {
    TestClient client(port());
    const TestResponse response = client.ask(request);
    EXPECT_EQ(response.status, status) << request;
    EXPECT_EQ(response.headers.at("connection"), "close") << request;
    EXPECT_NE(response.body.find(std::to_string(status)), std::string::npos);
    EXPECT_TRUE(client.wait_closed()) << request;
  }
  EXPECT_EQ(service_.requests().size(), 0u);
}

TEST_F(HttpRefusalTest, ErrorsNameThePathToTheService) {
  start();
  const TestResponse response =
      ask("POST /v1/messages HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(response.status, 411);
  EXPECT_NE(response.body.find("/v1/messages"), std::string::npos);
}

TEST_F(HttpRefusalTest, UnknownMethods) {
  start();
  for (const char* method : {"PUT", "TRACE", "BREW"}) {
    const TestResponse response =
        ask(std::string(method) +
            " /text HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(response.status, 405);
    EXPECT_EQ(response.headers.at("allow"), "GET, HEAD, POST, DELETE, OPTIONS");
  }
}

TEST_F(HttpRefusalTest, ThingsTooLarge) {
  HttpServerOptions given = any_port();
  given.limits.body_bytes = 1000;
  given.limits.header_bytes = 2000;
  start(given);
  EXPECT_EQ(ask(post("/echo", std::string(1000, 'x'))).status, 200);
  EXPECT_EQ(ask(post("/echo", std::string(1001, 'x'))).status, 413);
  std::string chunked =
      "POST /echo HTTP/1.1\r\nHost: localhost\r\n"
      "Transfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 11; ++i)
    chunked += "64\r\n" + std::string(100, 'x') + "\r\n";
  EXPECT_EQ(ask(chunked).status, 413);
  EXPECT_EQ(
      ask(get("/text", "X: " + std::string(1800, 'x') + "\r\n")).status, 200);
  EXPECT_EQ(
      ask(get("/text", "X: " + std::string(2000, 'x') + "\r\n")).status, 431);
  EXPECT_EQ(ask(get("/" + std::string(5000, 'x'))).status, 431);
  std::string many;
  for (int i = 0; i < 130; ++i)
    many += "X: 1\r\n";
  EXPECT_EQ(ask(get("/text", many)).status, 431);
}

TEST_F(HttpRefusalTest, RefusedUploadsGetTheirAnswer) {
  HttpServerOptions given = any_port();
  given.limits.body_bytes = 1 << 20;
  start(given);
  for (int i = 0; i < 5; ++i) {
    TestClient client(port());
    // More than socket buffers hold: the server has to read to the end.
    client.send(post("/echo", std::string(20 << 20, 'x')));
    EXPECT_EQ(client.response().status, 413);
  }
}

TEST_F(HttpRefusalTest, AllBodiesTogetherAreLimited) {
  HttpServerOptions given = any_port();
  given.limits.all_body_bytes = 150'000;
  start(given);
  TestClient first(port());
  const std::string body(100'000, 'x');
  const std::string request = post("/echo", body);
  first.send(request.substr(0, request.size() - 1));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  const TestResponse refused = ask(request);
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.headers.contains("retry-after"));
  first.send("x");
  EXPECT_EQ(first.response().body, body);
  EXPECT_EQ(ask(request).body, body);
}

TEST_F(HttpRefusalTest, ConnectionsAreLimited) {
  HttpServerOptions given = any_port();
  given.limits.connections = 3;
  start(given);
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<TestClient>(port()));
    EXPECT_EQ(clients.back()->ask(get("/text")).status, 200);
  }
  const TestResponse refused = ask(get("/text"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_TRUE(refused.headers.contains("retry-after"));
  EXPECT_EQ(server_->status().refused, 1u);
  clients.pop_back();
  for (int i = 0; i < 500 && ask(get("/text")).status != 200; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_EQ(ask(get("/text")).status, 200);
}

}  // namespace
}  // namespace hadal
