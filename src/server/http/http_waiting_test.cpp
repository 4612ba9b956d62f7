// Clients that wait, go away, or are slow, while an answer is made.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>

#include "server/http/testing_fixture.h"

namespace hadal {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::any_port;
using testing::get;
using testing::post;
using testing::TestClient;
using testing::TestResponse;

class HttpWaitingTest : public testing::HttpServerTest {
 protected:
  // A request for a scripted answer, taken up by the service.
  struct Waiting {
    std::shared_ptr<testing::ReplyScript> script;
    std::unique_ptr<TestClient> client;
  };

  Waiting wait_for(bool stream, int receive_buffer = 0) {
    Waiting out{
        service_.script("/slow"),
        std::make_unique<TestClient>(port(), receive_buffer)};
    out.script->stream = stream;
    if (!stream)
      out.script->keep_alive = "\n";
    out.client->send(post("/slow", "{}"));
    EXPECT_TRUE(out.script->wait_started(5s));
    return out;
  }
};

TEST_F(HttpWaitingTest, StreamsSendTheirHeadersAtOnce) {
  start();
  Waiting waiting = wait_for(true);
  const std::string head = waiting.client->read_until("\r\n\r\n");
  EXPECT_NE(head.find("Content-Type: text/event-stream\r\n"), head.npos);
  EXPECT_NE(head.find("Cache-Control: no-cache\r\n"), head.npos);
  EXPECT_NE(head.find("X-Accel-Buffering: no\r\n"), head.npos);
  EXPECT_NE(head.find("Transfer-Encoding: chunked\r\n"), head.npos);
  waiting.script->push("data: 1\n\n");
  EXPECT_EQ(waiting.client->read_until("1\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  waiting.script->push("data: 2\n\n");
  waiting.script->finish();
  const std::string rest = waiting.client->read_until("0\r\n\r\n");
  EXPECT_EQ(rest.substr(0, 12), "9\r\ndata: 2\n\n");
  EXPECT_EQ(waiting.client->ask(get("/text")).body, "fine\n");
}

TEST_F(HttpWaitingTest, BrokenStreamsHaveNoEnd) {
  start();
  Waiting waiting = wait_for(true);
  waiting.script->push("data: 1\n\n");
  waiting.script->break_off();
  const TestResponse response = waiting.client->response();
  EXPECT_EQ(response.body, "data: 1\n\n");
  EXPECT_FALSE(response.whole);
  EXPECT_TRUE(waiting.client->wait_closed());
}

TEST_F(HttpWaitingTest, StreamsGetSignsOfLife) {
  HttpServerOptions given = any_port();
  given.timeouts.stream_keep_alive = 50ms;
  start(given);
  Waiting waiting = wait_for(true);
  const auto begin = steady_clock::now();
  for (int i = 0; i < 4; ++i)
    EXPECT_NE(
        waiting.client->read_until(": keep-alive\n\n\r\n").find("keep"),
        std::string::npos);
  EXPECT_GE(steady_clock::now() - begin, 190ms);
  waiting.script->push("data: 1\n\n");
  waiting.script->finish();
  const std::string rest = waiting.client->read_until("0\r\n\r\n");
  EXPECT_NE(rest.find("data: 1"), std::string::npos);
}

TEST_F(HttpWaitingTest, BodiesThatTakeLongCommitToChunks) {
  HttpServerOptions given = any_port();
  given.timeouts.body_keep_alive = 150ms;
  given.timeouts.stream_keep_alive = 40ms;
  start(given);
  Waiting waiting = wait_for(false);
  const auto begin = steady_clock::now();
  const std::string head = waiting.client->read_until("\r\n\r\n");
  EXPECT_GE(steady_clock::now() - begin, 140ms);
  EXPECT_NE(head.find("HTTP/1.1 200 OK\r\n"), head.npos);
  EXPECT_NE(head.find("Transfer-Encoding: chunked"), head.npos);
  EXPECT_EQ(head.find("Content-Length"), head.npos);
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(waiting.client->read_until("\n\r\n"), "1\r\n\n\r\n");
  waiting.script->push("{\"a\": 1}");
  waiting.script->finish();
  EXPECT_NE(
      waiting.client->read_until("0\r\n\r\n").find("8\r\n{\"a\": 1}\r\n0"),
      std::string::npos);
}

TEST_F(HttpWaitingTest, QuickBodiesHaveALength) {
  start();
  Waiting waiting = wait_for(false);
  waiting.script->status = 400;
  waiting.script->push("{\"a\":");
  std::this_thread::sleep_for(20ms);
  waiting.script->push(" 1}");
  waiting.script->finish();
  const TestResponse response = waiting.client->response();
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.headers.at("content-length"), "8");
  EXPECT_EQ(response.body, "{\"a\": 1}");
}

TEST_F(HttpWaitingTest, ClientsThatGoAwayCancel) {
  start();
  for (const bool stream : {true, false})
    for (int way = 0; way < 3; ++way) {
      Waiting waiting = wait_for(stream);
      EXPECT_FALSE(waiting.script->wait_destroyed(30ms));
      if (way == 0)
        waiting.client->close();
      else if (way == 1)
        waiting.client->reset();
      else
        waiting.client->half_close();
      EXPECT_TRUE(waiting.script->wait_destroyed(2s))
          << "stream " << stream << " way " << way;
      waiting.script->push("too late");  // must not reach a dead connection
    }
  for (int i = 0; i < 200 && server_->status().connections > 0; ++i)
    std::this_thread::sleep_for(10ms);
  EXPECT_EQ(server_->status().connections, 0u);
}

TEST_F(HttpWaitingTest, ClientsThatGoAwayInTheMiddleOfAStream) {
  start();
  Waiting waiting = wait_for(true);
  waiting.script->push("data: 1\n\n");
  waiting.client->read_until("data: 1\n\n");
  waiting.client->close();
  EXPECT_TRUE(waiting.script->wait_destroyed(2s));
}

TEST_F(HttpWaitingTest, ClientsThatSentMuchAheadAndGoAway) {
  HttpServerOptions given = any_port();
  given.limits.pipelined_bytes = 100;
  start(given);
  Waiting waiting = wait_for(true);
  waiting.client->send(post("/echo", std::string(60'000, 'x')));
  EXPECT_FALSE(waiting.script->wait_destroyed(100ms));
  waiting.client->half_close();
  EXPECT_TRUE(waiting.script->wait_destroyed(5s));
}

TEST_F(HttpWaitingTest, AnswersOnTheirWayReachAClientThatOnlyStopsSending) {
  start();
  TestClient client(port());
  client.send(get("/large"));
  client.half_close();
  const TestResponse response = client.response();
  EXPECT_EQ(response.body.size(), size_t{32} << 20);
}

TEST_F(HttpWaitingTest, SlowReadersAreCutOff) {
  HttpServerOptions given = any_port();
  given.timeouts.write = 200ms;
  given.timeouts.stream_keep_alive = 50ms;
  start(given);
  Waiting waiting = wait_for(true, 4096);
  // More than the buffers of both sockets hold.
  for (int i = 0; i < 100; ++i)
    waiting.script->push(std::string(256 << 10, 'x'));
  EXPECT_TRUE(waiting.script->wait_destroyed(5s));
  EXPECT_TRUE(waiting.client->wait_closed());
}

TEST_F(HttpWaitingTest, SlowHeadersAndBodiesAreCutOff) {
  HttpServerOptions given = any_port();
  given.timeouts.header = 150ms;
  given.timeouts.body = 150ms;
  given.timeouts.linger = 100ms;
  start(given);
  TestClient header(port());
  TestClient body(port());
  header.send("GET /text HTTP/1.1\r\nHost: local");
  body.send(
      "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n12");
  std::thread drip([&header] {
    // A byte now and then does not help.
    for (int i = 0; i < 5; ++i) {
      std::this_thread::sleep_for(20ms);
      header.send("x");
    }
  });
  EXPECT_EQ(header.response().status, 408);
  EXPECT_EQ(body.response().status, 408);
  EXPECT_TRUE(header.wait_closed());
  EXPECT_TRUE(body.wait_closed());
  drip.join();
}

TEST_F(HttpWaitingTest, BodiesThatAdvanceGetTheirTime) {
  HttpServerOptions given = any_port();
  given.timeouts.body = 150ms;
  given.timeouts.body_bytes_per_second = 1000;
  start(given);
  TestClient client(port());
  const std::string request = post("/echo", std::string(500, 'x'));
  client.send(request.substr(0, request.size() - 500));
  for (int i = 0; i < 5; ++i) {
    client.send(std::string(100, 'x'));
    std::this_thread::sleep_for(60ms);
  }
  EXPECT_EQ(client.response().status, 200);
}

TEST_F(HttpWaitingTest, IdleConnectionsClose) {
  HttpServerOptions given = any_port();
  given.timeouts.idle = 100ms;
  start(given);
  TestClient never(port());
  TestClient once(port());
  EXPECT_EQ(once.ask(get("/text")).status, 200);
  EXPECT_EQ(never.response().status, 0);
  EXPECT_TRUE(never.wait_closed());
  EXPECT_TRUE(once.wait_closed());
}

TEST_F(HttpWaitingTest, StopLetsAnswersEnd) {
  start();
  Waiting waiting = wait_for(true);
  TestClient idle(port());
  EXPECT_EQ(idle.ask(get("/text")).status, 200);
  const uint16_t used = port();
  std::thread stopper([this] { server_->stop(5s); });
  EXPECT_TRUE(idle.wait_closed());
  EXPECT_FALSE(waiting.script->wait_destroyed(50ms));
  EXPECT_ANY_THROW(TestClient{used});
  waiting.script->push("data: 1\n\n");
  waiting.script->finish();
  const TestResponse response = waiting.client->response();
  EXPECT_TRUE(response.whole);
  EXPECT_EQ(response.body, "data: 1\n\n");
  waiting.client->close();
  stopper.join();
}

TEST_F(HttpWaitingTest, StopCutsOffWhatDoesNotEnd) {
  start();
  Waiting stream = wait_for(true);
  Waiting body = wait_for(false);
  server_->stop(50ms);
  EXPECT_TRUE(stream.script->wait_destroyed(0ms));
  EXPECT_TRUE(body.script->wait_destroyed(0ms));
  EXPECT_FALSE(stream.client->response().whole);
  stream.script->push("nobody listens");
  server_.reset();
  stream.script->push("nor is there a server");
}

TEST_F(HttpWaitingTest, ProducersOfManyThreads) {
  HttpServerOptions given = any_port();
  given.threads = 2;
  start(given);
  std::vector<Waiting> all;
  for (int i = 0; i < 32; ++i)
    all.push_back(wait_for(true));
  std::vector<std::thread> producers;
  for (int t = 0; t < 4; ++t)
    producers.emplace_back([&all, t] {
      for (int step = 0; step < 100; ++step)
        for (size_t i = static_cast<size_t>(t); i < all.size(); i += 4)
          all[i].script->push("x");
      for (size_t i = static_cast<size_t>(t); i < all.size(); i += 4)
        all[i].script->finish();
    });
  for (Waiting& waiting : all)
    EXPECT_EQ(waiting.client->response().body, std::string(100, 'x'));
  for (std::thread& producer : producers)
    producer.join();
}

}  // namespace
}  // namespace hadal
