// Arbitrary bytes as a connection, up to Service::handle and back: however they
// are cut into reads, the service sees the same requests.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <string>

#include "server/http/connection.h"
#include "server/http/testing.h"

namespace hadal {
namespace {

// Plays the client's bytes in pieces of `step`, then closes.
class ScriptedChannel : public Channel {
 public:
  ScriptedChannel(std::string bytes, size_t step)
      : bytes_(std::move(bytes)), step_(step) {}

  void handshake(std::function<void(bool)> done) override {
    post([done] { done(true); });
  }
  void read(std::span<char> into, std::function<void(size_t)> done) override {
    into_ = into;
    read_done_ = std::move(done);
  }
  void write(std::string_view, std::function<void(bool)> done) override {
    post([done] { done(true); });
  }
  void wake_at(Clock::time_point, std::function<void()>) override {}
  void post(std::function<void()> task) override {
    tasks_.push_back(std::move(task));
  }
  void post_elsewhere(std::function<void()> task) override {
    post(std::move(task));
  }
  void finish_sending() override {}
  void close() override { closed_ = true; }
  bool peer_closed() const override { return false; }

  // Until nothing is left to do. Bytes come when all tasks are done, so that
  // the end of the input finds every answer complete.
  void run() {
    while (true) {
      if (!tasks_.empty()) {
        const auto task = std::move(tasks_.front());
        tasks_.pop_front();
        task();
      } else if (read_done_) {
        const size_t size =
            closed_ ? 0 : std::min({step_, into_.size(), bytes_.size()});
        std::copy_n(bytes_.begin(), size, into_.begin());
        bytes_.erase(0, size);
        std::exchange(read_done_, nullptr)(size);
      } else {
        return;
      }
    }
  }

 private:
  std::string bytes_;
  size_t step_;
  std::deque<std::function<void()>> tasks_;
  std::span<char> into_;
  std::function<void(size_t)> read_done_;
  bool closed_ = false;
};

std::string seen_by_service(const std::string& bytes, size_t step) {
  static const HttpServerOptions options = [] {
    HttpServerOptions out;
    out.limits.body_bytes = 2000;
    out.limits.header_bytes = 1000;
    out.limits.pipelined_bytes = 64;
    out.limits.quick_body_bytes = 10;
    return out;
  }();
  static const AccessRules rules(options, true);
  testing::FakeService service;
  ConnectionShared shared{options, rules, service};
  bool ended = false;
  const auto channel = std::make_shared<ScriptedChannel>(bytes, step);
  std::weak_ptr<Connection> left;
  {
    const auto connection = std::make_shared<Connection>(
        channel, "127.0.0.1", shared, [&ended] { ended = true; });
    connection->start();
    channel->run();
    left = connection;
  }
  // Whatever came, the connection is closed and nothing holds it.
  if (!ended || !left.expired() || shared.body_bytes != 0)
    std::abort();
  std::string out;
  for (const HttpRequest& request : service.requests()) {
    out += request.method + " " + request.path + " " + request.body;
    for (const auto& [name, value] : request.headers)
      out += name + ":" + value + "\n";
    for (const auto& [name, value] : request.query)
      out += name + "=" + value + "\n";
  }
  return out;
}

}  // namespace
}  // namespace hadal

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const std::string whole = hadal::seen_by_service(bytes, 1 << 20);
  if (hadal::seen_by_service(bytes, 1) != whole ||
      hadal::seen_by_service(bytes, 7) != whole)
    std::abort();
  return 0;
}
