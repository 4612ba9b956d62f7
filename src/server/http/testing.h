// For the tests of this folder: a service that plays scripts, and a blocking
// client that says exactly the bytes it is told to.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/service.h"

namespace hadal::testing {

// The test's end of an answer that is produced while the test goes on.
class ReplyScript {
 public:
  void push(const std::string& bytes);
  void finish();
  void break_off();
  // Whether the Reply is destroyed by then.
  bool wait_destroyed(std::chrono::milliseconds limit);
  bool wait_started(std::chrono::milliseconds limit);

  bool stream = true;
  int status = 200;
  std::string keep_alive = ": keep-alive\n\n";

 private:
  friend class ScriptedReply;
  void ring(std::unique_lock<std::mutex>& lock);

  std::mutex mutex_;
  std::condition_variable changed_;
  BodyPiece next_;
  std::function<void()> ready_;
  bool started_ = false;
  bool destroyed_ = false;
};

std::unique_ptr<Reply> scripted_reply(std::shared_ptr<ReplyScript> script);

// Answers GET /health and /text with a line, POST /echo with the body, /who
// with the client's name, /query with the query, /large with many bytes, and
// the paths of `scripts` with theirs. Everything else is 404.
class FakeService : public Service {
 public:
  std::unique_ptr<Reply> handle(HttpRequest request) override;
  std::string error_body(
      int status,
      const std::string& message,
      const std::string& path) const override;

  // A new script for every request of `path`; they arrive in order.
  std::shared_ptr<ReplyScript> script(const std::string& path);
  std::vector<HttpRequest> requests() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::shared_ptr<ReplyScript>>> scripts_;
  std::vector<HttpRequest> requests_;
};

struct TestResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;                            // without the frames of chunks
  bool whole = false;
};

class TestClient {
 public:
  using Milliseconds = std::chrono::milliseconds;

  // Connects to 127.0.0.1. `receive_buffer`: of the socket, when not 0.
  explicit TestClient(uint16_t port, int receive_buffer = 0);
  ~TestClient();
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;

  // False when the server closed the connection.
  bool send(const std::string& bytes);
  // Reads an answer; `head`: it was asked for with HEAD. Status 0 when the
  // connection ended, or nothing came in time, before its head was complete.
  TestResponse response(
      bool head = false, Milliseconds limit = Milliseconds(5000));
  // Bytes until `end` came (with it), the connection ended, or the time was up.
  std::string read_until(
      const std::string& end, Milliseconds limit = Milliseconds(5000));
  // Whether the server closes within the time, whatever it sends before.
  bool wait_closed(Milliseconds limit = Milliseconds(5000));
  void close();       // both sides, with FIN
  void reset();       // with RST
  void half_close();  // no more bytes from here

  TestResponse ask(const std::string& bytes) {
    send(bytes);
    return response();
  }

 private:
  bool fill(std::chrono::steady_clock::time_point limit);

  int socket_ = -1;
  std::string received_;
  bool ended_ = false;
};

// "GET path HTTP/1.1" with the headers that every test needs, and `headers`.
std::string get(const std::string& path, const std::string& headers = "");
std::string post(
    const std::string& path,
    const std::string& body,
    const std::string& headers = "");

}  // namespace hadal::testing
