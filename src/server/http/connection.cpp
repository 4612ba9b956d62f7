// How requests come in. connection_answer.cpp: how answers go out;
// connection_clock.cpp: what happens when nothing happens.
#include "server/http/connection.h"

#include <exception>
#include <utility>

#include "base/log.h"
#include "server/http/connection_bell.h"
#include "server/http/fixed_reply.h"

namespace hadal {
namespace {

constexpr size_t kReadBytes = 16 << 10;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

std::unique_ptr<Reply> handled(Service& service, HttpRequest request) {
  const std::string path = request.path;
  try {
    return service.handle(std::move(request));
  } catch (const std::exception& error) {
    log(LogLevel::error, "http", "{}: {}", path, error.what());
    return std::make_unique<FixedReply>(
        500,
        "application/json",
        service.error_body(500, "internal error", path));
  }
}

}  // namespace

Connection::Connection(
    std::shared_ptr<Channel> channel,
    std::string address,
    ConnectionShared& shared,
    std::function<void()> closed)
    : channel_(std::move(channel)),
      address_(std::move(address)),
      shared_(shared),
      closed_(std::move(closed)),
      phase_start_(Clock::now()),
      block_(kReadBytes),
      parser_(shared.options.limits) {}

Connection::~Connection() {
  release_body();
}

void Connection::start() {
  channel_->handshake([self = shared_from_this()](bool ok) {
    if (self->phase_ != Phase::handshake)
      return;
    if (!ok)
      return self->close();
    self->phase_ = Phase::receiving;
    self->phase_start_ = Clock::now();
    if (self->shared_.draining)
      return self->close();
    self->receive();
    self->watch_clock();
  });
  watch_clock();
}

void Connection::start_refused() {
  phase_ = Phase::receiving;
  refuse(503, "too many connections");
  receive();
}

void Connection::drain() {
  const bool between = phase_ == Phase::receiving && !writing_;
  if (between || phase_ == Phase::handshake)
    close();
}

void Connection::close() {
  if (phase_ == Phase::closed)
    return;
  phase_ = Phase::closed;
  if (bell_)
    bell_->disconnect();
  bell_.reset();
  responder_.reset();
  release_body();
  pending_ = {};
  channel_->close();
  std::exchange(closed_, nullptr)();
}

// Keeps a read outstanding, as long as there is room for what it may bring.
void Connection::receive() {
  const bool waiting = phase_ == Phase::handling || phase_ == Phase::answering;
  const bool full =
      waiting && pending_.size() >= shared_.options.limits.pipelined_bytes;
  if (reading_ || full || client_done_ || phase_ == Phase::closed)
    return;
  reading_ = true;
  channel_->read(block_, [self = shared_from_this()](size_t bytes) {
    self->reading_ = false;
    self->on_read(bytes);
  });
}

void Connection::on_read(size_t bytes) {
  if (phase_ == Phase::closed)
    return;
  if (bytes == 0)
    return client_gone();
  if (phase_ == Phase::lingering)
    return receive();
  if (phase_ == Phase::receiving && pending_.empty() &&
      parser_.state() == RequestParser::State::idle)
    phase_start_ = Clock::now();  // a request begins
  pending_.append(block_.data(), bytes);
  parse();
  receive();
  watch_clock();
}

void Connection::parse() {
  while (phase_ == Phase::receiving && !writing_) {
    const size_t before = pending_.size();
    const RequestParser::State state = parser_.feed(pending_);
    switch (state) {
      case RequestParser::State::idle:
      case RequestParser::State::head:
        return;
      case RequestParser::State::failed:
        return refuse(parser_.problem().status, parser_.problem().message);
      case RequestParser::State::body:
        if (!admit() || !account_body())
          return;
        if (pending_.size() == before)
          return;
        break;
      case RequestParser::State::done:
        if (!admit() || !account_body())
          return;
        return dispatch();
    }
  }
}

// Checks the head, once; false when the request was answered here or the client
// was told to go on.
bool Connection::admit() {
  if (admitted_)
    return true;
  const RequestHead& head = parser_.head();
  admission_ = shared_.rules.admit(head, address_);
  request_start_ = Clock::now();
  if (admission_.status != 0) {
    refuse(admission_.status, admission_.message);
    return false;
  }
  admitted_ = true;
  phase_start_ = Clock::now();  // the body's time begins
  if (head.expects_continue && parser_.state() == RequestParser::State::body &&
      parser_.body_bytes() == 0 && pending_.empty()) {
    send(std::string(kContinue));
    return false;
  }
  return true;
}

bool Connection::account_body() {
  const size_t now = parser_.body_bytes();
  const size_t all = shared_.body_bytes += now - accounted_;
  accounted_ = now;
  if (all <= shared_.options.limits.all_body_bytes)
    return true;
  refuse(503, "too many large requests at once");
  return false;
}

void Connection::release_body() {
  shared_.body_bytes -= accounted_;
  accounted_ = 0;
}

void Connection::dispatch() {
  const RequestHead& head = parser_.head();
  HttpRequest request{
      .method = head.method == "HEAD" ? "GET" : head.method,
      .path = head.path,
      .query = head.query,
      .headers = head.headers,
      .body = parser_.take_body(),
      .client = admission_.client,
      .key_name = admission_.key_name};
  // No key goes beyond this point.
  request.headers.erase("authorization");
  request.headers.erase("x-api-key");
  request.headers.erase("cookie");
  release_body();
  phase_ = Phase::handling;
  if (request.body.size() <= shared_.options.limits.quick_body_bytes)
    return answer(handled(shared_.service, std::move(request)));
  // std::function wants what it holds to be copyable.
  auto moved = std::make_shared<HttpRequest>(std::move(request));
  channel_->post_elsewhere([self = shared_from_this(), moved] {
    auto reply = std::make_shared<std::unique_ptr<Reply>>(
        handled(self->shared_.service, std::move(*moved)));
    self->channel_->post([self, reply] { self->answer(std::move(*reply)); });
  });
}

}  // namespace hadal
