// Keys, host names, origins.
#include <gtest/gtest.h>

#include <mutex>
#include <string>

#include "hadal/log.h"
#include "server/http/access_rules.h"
#include "server/http/testing_fixture.h"

namespace hadal {
namespace {

using testing::any_port;
using testing::get;
using testing::post;
using testing::TestClient;
using testing::TestResponse;

using HttpAccessTest = testing::HttpServerTest;

std::string get_as(const std::string& host, const std::string& headers = "") {
  return "GET /text HTTP/1.1\r\nHost: " + host + "\r\n" + headers + "\r\n";
}

TEST_F(HttpAccessTest, WithoutKeysTheAddressIsTheClient) {
  start();
  EXPECT_EQ(ask(get("/who")).body, "127.0.0.1");
  EXPECT_EQ(service_.requests().back().key_name, "");
}

TEST_F(HttpAccessTest, KeysOfBothHeaders) {
  HttpServerOptions given = any_port();
  given.api_keys = {
      parse_api_key("alice=s3cret", 1), parse_api_key("other", 2)};
  start(given);
  EXPECT_EQ(ask(get("/who", "Authorization: Bearer s3cret\r\n")).body, "alice");
  EXPECT_EQ(
      ask(get("/who", "authorization: bearer   s3cret\r\n")).body, "alice");
  EXPECT_EQ(ask(get("/who", "x-api-key: other\r\n")).body, "key-2");
  for (const char* wrong :
       {"",
        "Authorization: Bearer s3cre\r\n",
        "Authorization: s3cret\r\n",
        "Authorization: Basic s3cret\r\n",
        "Authorization: Bearer\r\n",
        "x-api-key: S3cret\r\n",
        "x-api-key:\r\n",
        "Authorization: Bearer wrong\r\nx-api-key: other\r\n"}) {
    const TestResponse response = ask(get("/who", wrong));
    EXPECT_EQ(response.status, 401) << wrong;
    EXPECT_EQ(response.headers.at("www-authenticate"), "Bearer");
  }
  ASSERT_EQ(service_.requests().size(), 3u);
  EXPECT_EQ(service_.requests()[0].key_name, "alice");
  EXPECT_EQ(service_.requests()[2].key_name, "key-2");
  for (const HttpRequest& request : service_.requests()) {
    EXPECT_FALSE(request.headers.contains("authorization"));
    EXPECT_FALSE(request.headers.contains("x-api-key"));
  }
}

TEST_F(HttpAccessTest, OpenPathsNeedNoKey) {
  HttpServerOptions given = any_port();
  given.api_keys = {parse_api_key("s3cret", 1)};
  start(given);
  EXPECT_EQ(ask(get("/health")).status, 200);
  EXPECT_EQ(ask(get("/")).status, 404);  // the fake has no page
  EXPECT_EQ(ask(post("/health", "")).status, 401);
  EXPECT_EQ(ask(get("/health/x")).status, 401);
  EXPECT_EQ(ask(get("/text")).status, 401);
}

// A refusal comes before the body, and a stranger's body is not waited for.
TEST_F(HttpAccessTest, StrangersUploadNothing) {
  HttpServerOptions given = any_port();
  given.api_keys = {parse_api_key("s3cret", 1)};
  start(given);
  TestClient client(port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n"
      "Expect: 100-continue\r\n\r\n");
  EXPECT_EQ(client.response().status, 401);
}

TEST_F(HttpAccessTest, ForeignHostNamesAreRefusedOnLoopback) {
  HttpServerOptions given = any_port();
  given.host_names = {"Chat.Example"};
  start(given);
  for (const char* own :
       {"localhost",
        "LOCALHOST:8080",
        "127.0.0.1:1",
        "127.8.8.8",
        "[::1]:80",
        "chat.example",
        "chat.example.",
        "chat.example:443",
        "a.localhost"})
    EXPECT_EQ(ask(get_as(own)).status, 200) << own;
  for (const char* foreign :
       {"evil.example",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "chat.example.evil",
        "192.168.0.1",
        "",
        "[::2]"}) {
    const int expected = *foreign == '\0' ? 200 : 403;
    EXPECT_EQ(ask(get_as(foreign)).status, expected) << foreign;
  }
}

TEST(AccessRules, HostsAreFreeOnOpenAddresses) {
  HttpServerOptions given;
  given.host = "0.0.0.0";
  RequestHead head;
  head.method = "GET";
  head.path = "/text";
  head.headers["host"] = "anything.example";
  EXPECT_EQ(AccessRules(given, false).admit(head, "10.0.0.1").status, 0);
  given.host_names = {"chat.example"};
  EXPECT_EQ(AccessRules(given, false).admit(head, "10.0.0.1").status, 403);
}

TEST_F(HttpAccessTest, ForeignPagesAreRefused) {
  start();
  EXPECT_EQ(ask(get("/text", "Origin: http://localhost\r\n")).status, 200);
  for (const char* origin :
       {"https://evil.example", "null", "http://localhost:1", "x"}) {
    const TestResponse response =
        ask(get("/text", "Origin: " + std::string(origin) + "\r\n"));
    EXPECT_EQ(response.status, 403) << origin;
    EXPECT_FALSE(response.headers.contains("access-control-allow-origin"));
  }
  EXPECT_EQ(service_.requests().size(), 1u);
}

TEST_F(HttpAccessTest, PagesBehindAProxyAreTheServersOwn) {
  HttpServerOptions given = any_port();
  given.host_names = {"chat.example"};
  start(given);
  EXPECT_EQ(ask(get("/text", "Origin: https://chat.example\r\n")).status, 200);
  EXPECT_EQ(
      ask(get("/text", "Origin: https://chat.example.evil\r\n")).status, 403);
}

std::string preflight(const std::string& origin) {
  return "OPTIONS /v1/models HTTP/1.1\r\nHost: localhost\r\nOrigin: " + origin +
         "\r\nAccess-Control-Request-Method: POST\r\n"
         "Access-Control-Request-Headers: authorization,content-type\r\n\r\n";
}

TEST_F(HttpAccessTest, CorsForNamedOrigins) {
  HttpServerOptions given = any_port();
  given.cors_origins = {"https://chat.example"};
  given.api_keys = {parse_api_key("s3cret", 1)};
  start(given);
  // A preflight carries no key.
  TestClient client(port());
  TestResponse response = client.ask(preflight("https://chat.example"));
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(
      response.headers.at("access-control-allow-origin"),
      "https://chat.example");
  EXPECT_EQ(
      response.headers.at("access-control-allow-headers"),
      "authorization,content-type");
  EXPECT_NE(
      response.headers.at("access-control-allow-methods").find("POST"),
      std::string::npos);
  EXPECT_FALSE(response.headers.contains("content-length"));
  response = client.ask(
      get("/text", "Origin: https://chat.example\r\nx-api-key: s3cret\r\n"));
  EXPECT_EQ(response.body, "fine\n");
  EXPECT_EQ(
      response.headers.at("access-control-allow-origin"),
      "https://chat.example");
  EXPECT_EQ(response.headers.at("vary"), "Origin");
  // Errors too: else the page sees only "network error".
  response = client.ask(get("/text", "Origin: https://chat.example\r\n"));
  EXPECT_EQ(response.status, 401);
  EXPECT_TRUE(response.headers.contains("access-control-allow-origin"));

  EXPECT_EQ(ask(preflight("https://evil.example")).status, 403);
  response = ask(
      get("/text", "Origin: https://evil.example\r\nx-api-key: s3cret\r\n"));
  EXPECT_FALSE(response.headers.contains("access-control-allow-origin"));
}

TEST_F(HttpAccessTest, CorsForAll) {
  HttpServerOptions given = any_port();
  given.cors_origins = {"*"};
  start(given);
  EXPECT_EQ(ask(preflight("https://any.example")).status, 204);
  EXPECT_EQ(ask(get("/text", "Origin: null\r\n")).status, 200);
  const auto script = service_.script("/stream");
  script->finish();
  EXPECT_EQ(
      ask(get("/stream", "Origin: https://any.example\r\n"))
          .headers.at("access-control-allow-origin"),
      "https://any.example");
}

TEST_F(HttpAccessTest, OptionsWithoutCors) {
  start();
  const TestResponse response =
      ask("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(response.status, 204);
  EXPECT_EQ(response.headers.at("allow"), "GET, HEAD, POST, DELETE, OPTIONS");
  EXPECT_EQ(ask(preflight("https://chat.example")).status, 403);
}

TEST_F(HttpAccessTest, TheLogKeepsSecrets) {
  std::mutex mutex;
  std::string lines;
  set_log_levels("trace");
  set_log_sink([&](const LogRecord& record) {
    const std::lock_guard lock(mutex);
    lines += std::string(record.message) + "\n";
  });
  HttpServerOptions given = any_port();
  given.api_keys = {parse_api_key("alice=s3cret", 1)};
  start(given);
  ask(post("/echo?q=private", "private", "x-api-key: s3cret\r\n"));
  ask(post("/echo", "private", "x-api-key: s3cret-wrong\r\n"));
  ask(get("/a%0Ab"));
  given.host = "0.0.0.0";
  given.api_keys.clear();
  start(given);
  server_.reset();
  set_log_sink({});
  set_log_levels("off");
  EXPECT_NE(lines.find("POST /echo 200 7 bytes"), std::string::npos) << lines;
  EXPECT_NE(lines.find(" ms alice\n"), std::string::npos) << lines;
  EXPECT_NE(lines.find("POST /echo 401 "), std::string::npos) << lines;
  EXPECT_NE(lines.find("for this machine only"), std::string::npos) << lines;
  EXPECT_NE(lines.find("no API key is set"), std::string::npos) << lines;
  EXPECT_EQ(lines.find("s3cret"), std::string::npos) << lines;
  EXPECT_EQ(lines.find("private"), std::string::npos) << lines;
}

}  // namespace
}  // namespace hadal
