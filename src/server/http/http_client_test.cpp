// The client against our own server.
#include "server/http/http_client.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>

#include "hadal/error.h"
#include "server/http/sse_parser.h"
#include "server/http/testing_certificate.h"
#include "server/http/testing_fixture.h"

namespace hadal {
namespace {

using namespace std::chrono_literals;
using testing::any_port;

class HttpClientTest : public testing::HttpServerTest {
 protected:
  HttpClient client() {
    HttpClientOptions options;
    options.url = server_->url();
    options.api_key = "s3cret";
    return HttpClient(options);
  }
};

TEST_F(HttpClientTest, KeepsItsConnection) {
  start();
  HttpClient client = this->client();
  EXPECT_EQ(client.get("/text").body, "fine\n");
  const std::string large(200'000, 'x');
  EXPECT_EQ(client.post("/echo", large).body, large);
  EXPECT_EQ(client.get("/absent").status, 404);
  EXPECT_EQ(client.get("/text").headers.at("content-type"), "text/plain");
  EXPECT_EQ(server_->status().accepted, 1u);
}

TEST_F(HttpClientTest, ConnectsAgainWhenTheServerHasClosed) {
  HttpServerOptions given = any_port();
  given.timeouts.idle = 50ms;
  start(given);
  HttpClient client = this->client();
  EXPECT_EQ(client.get("/text").status, 200);
  std::this_thread::sleep_for(150ms);
  EXPECT_EQ(client.get("/text").status, 200);
  EXPECT_EQ(server_->status().accepted, 2u);
}

TEST_F(HttpClientTest, StreamsAsTheyCome) {
  start();
  const auto script = service_.script("/stream");
  SseParser events;
  std::string seen;
  std::thread producer([&script] {
    script->wait_started(5s);
    for (int i = 0; i < 3; ++i) {
      script->push("data: " + std::to_string(i) + "\n\n");
      std::this_thread::sleep_for(20ms);
    }
    script->finish();
  });
  HttpClient client = this->client();
  int pieces = 0;
  client.post("/stream", "{}", [&](std::string_view bytes) {
    ++pieces;
    for (const SseEvent& event : events.push(bytes))
      seen += event.data;
    return true;
  });
  producer.join();
  EXPECT_EQ(seen, "012");
  EXPECT_GE(pieces, 3);
}

TEST_F(HttpClientTest, StopsInTheMiddle) {
  start();
  HttpClient client = this->client();
  for (const bool by_token : {true, false}) {
    const auto script = service_.script("/stream");
    script->push("data: 1\n\n");
    std::stop_source stop;
    const auto on_bytes = [&](std::string_view) {
      if (by_token)
        stop.request_stop();
      return by_token;
    };
    if (by_token)
      EXPECT_THROW(
          client.post("/stream", "{}", on_bytes, stop.get_token()), Error);
    else
      client.post("/stream", "{}", on_bytes);
    EXPECT_TRUE(script->wait_destroyed(2s));
    EXPECT_EQ(client.get("/text").status, 200);
  }
}

TEST_F(HttpClientTest, SilentAndAbsentServers) {
  start();
  const auto script = service_.script("/stream");
  HttpClientOptions options;
  options.url = server_->url();
  options.idle_timeout = 100ms;
  EXPECT_THROW(HttpClient(options).post("/stream", "{}"), Error);
  server_.reset();
  EXPECT_THROW(HttpClient(options).get("/text"), Error);
}

TEST_F(HttpClientTest, BrokenAnswersAreErrors) {
  start();
  const auto script = service_.script("/stream");
  script->push("data: 1\n\n");
  script->break_off();
  EXPECT_THROW(client().post("/stream", "{}"), Error);
}

TEST_F(HttpClientTest, Tls) {
  const testing::TestCertificate certificate;
  HttpServerOptions given = any_port();
  given.tls_certificate = certificate.certificate_file();
  given.tls_key = certificate.key_file();
  start(given);
  HttpClientOptions options;
  options.url = "https://localhost:" + std::to_string(port());
  // Nobody vouches for it yet.
  EXPECT_THROW(HttpClient(options).get("/text"), Error);
  ::setenv("SSL_CERT_FILE", certificate.certificate_file().c_str(), 1);
  EXPECT_EQ(HttpClient(options).get("/text").body, "fine\n");
  // Another name than the certificate's.
  options.url = "https://127.0.0.2:" + std::to_string(port());
  EXPECT_THROW(HttpClient(options).get("/text"), Error);
  ::unsetenv("SSL_CERT_FILE");
}

TEST(HttpUrl, Forms) {
  HttpUrl url = parse_url("http://localhost:8080/v1/");
  EXPECT_FALSE(url.tls);
  EXPECT_EQ(url.host, "localhost");
  EXPECT_EQ(url.port, 8080);
  EXPECT_EQ(url.path, "/v1");
  url = parse_url("https://api.example");
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.port, 443);
  EXPECT_EQ(url.path, "");
  url = parse_url("[::1]:99/");
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 99);
  for (const char* bad :
       {"",
        "ftp://x",
        "http://",
        "http://x:y",
        "http://x:99999",
        "http://a b",
        "http://x/a b",
        "http://user@x"})
    EXPECT_THROW(parse_url(bad), Error) << bad;
}

TEST(SseParser, TheSameHoweverTheBytesAreCut) {
  const std::string bytes =
      ": comment\n\nevent: a\ndata: 1\ndata:2\n\ndata: {\"x\": \"y: "
      "z\"}\r\n\r\n"
      "event: nothing\n\nid: 7\rdata\r\rdata: last\n";
  const std::vector<SseEvent> expected = {
      {"a", "1\n2"}, {"", "{\"x\": \"y: z\"}"}, {"", ""}};
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    SseParser parser;
    std::vector<SseEvent> events = parser.push(bytes.substr(0, cut));
    for (SseEvent& event : parser.push(bytes.substr(cut)))
      events.push_back(std::move(event));
    ASSERT_EQ(events, expected) << cut;
  }
}

}  // namespace
}  // namespace hadal
