// How answers go out: from a Reply through the Responder into the socket.
#include <algorithm>
#include <string>
#include <utility>

#include "base/log.h"
#include "server/http/connection.h"
#include "server/http/connection_bell.h"
#include "server/http/fixed_reply.h"

namespace hadal {
namespace {

constexpr int kClientGone = 499;  // for the log; nobody reads the answer
constexpr size_t kMaxLoggedPath = 200;

}  // namespace

// Answers without the service, and closes when bytes of the request may still
// be on their way.
void Connection::refuse(int status, const std::string& message) {
  const RequestHead& head = parser_.head();
  // The service does not say "[]": a 204 has no body.
  std::string body;
  if (!message.empty())
    body = shared_.service.error_body(status, message, head.path);
  FixedReply::Headers headers = std::move(admission_.headers);
  admission_.headers.clear();
  if (status == 503)
    headers.emplace_back("Retry-After", "1");
  const bool whole = parser_.state() == RequestParser::State::done;
  ResponseTerms terms{
      .minor_version = head.minor_version,
      .without_body = head.method == "HEAD",
      .keep_alive = whole && head.keep_alive && !shared_.draining,
      .headers = std::move(headers)};
  if (admission_.client.empty())
    admission_.client = address_;
  auto reply =
      std::make_unique<FixedReply>(status, "application/json", std::move(body));
  release_body();
  phase_ = Phase::answering;
  if (!admitted_)
    request_start_ = Clock::now();
  responder_ = std::make_unique<Responder>(std::move(reply), std::move(terms));
  pump();
}

void Connection::answer(std::unique_ptr<Reply> reply) {
  if (phase_ == Phase::closed)
    return;  // the client went away meanwhile, and so goes the reply
  const RequestHead& head = parser_.head();
  bell_ = std::make_shared<Bell>(shared_from_this());
  reply->start([bell = bell_] { bell->ring(); });
  ResponseTerms terms{
      .minor_version = head.minor_version,
      .without_body = head.method == "HEAD",
      .keep_alive = head.keep_alive && !shared_.draining,
      .headers = admission_.headers};
  responder_ = std::make_unique<Responder>(std::move(reply), std::move(terms));
  phase_ = Phase::answering;
  last_sent_ = Clock::now();
  pump();
  receive();
  watch_clock();
}

// One write at a time: while a slow reader takes one, what comes stays in the
// Reply. It cannot grow beyond what is generated in HttpTimeouts::write.
void Connection::pump() {
  if (phase_ != Phase::answering || writing_)
    return;
  std::string bytes = responder_->pump();
  if (!bytes.empty())
    send(std::move(bytes));
  else if (responder_->complete())
    finish_answer();
}

void Connection::send(std::string bytes) {
  out_ = std::move(bytes);
  sent_ = 0;
  writing_ = true;
  send_slice();
}

void Connection::send_slice() {
  const std::string_view rest = std::string_view(out_).substr(sent_);
  const std::string_view slice =
      rest.substr(0, shared_.options.limits.write_bytes);
  write_start_ = Clock::now();
  sent_ += slice.size();
  channel_->write(
      slice, [self = shared_from_this()](bool ok) { self->on_sent(ok); });
  watch_clock();
}

void Connection::on_sent(bool ok) {
  if (phase_ == Phase::closed)
    return;
  if (!ok)
    return client_gone();
  if (sent_ < out_.size())
    return send_slice();
  writing_ = false;
  last_sent_ = Clock::now();
  if (phase_ == Phase::answering) {
    pump();
  } else if (phase_ == Phase::receiving) {  // 100 Continue
    parse();
    receive();
  }
  watch_clock();
}

void Connection::finish_answer() {
  log_access(responder_->status());
  const bool keep = !responder_->close_after() && !shared_.draining;
  const bool broken = responder_->broken();
  if (bell_)
    bell_->disconnect();
  bell_.reset();
  responder_.reset();
  admission_ = {};
  admitted_ = false;
  if (client_done_ || broken)
    return close();
  if (!keep)
    return linger();
  parser_.reset();
  phase_ = Phase::receiving;
  phase_start_ = Clock::now();
  parse();
  receive();
  watch_clock();
}

// A socket that is closed with unread bytes resets the connection, and the
// client may never see the answer: read for a while first.
void Connection::linger() {
  phase_ = Phase::lingering;
  phase_start_ = Clock::now();
  pending_ = {};
  channel_->finish_sending();
  receive();
  watch_clock();
}

void Connection::client_gone() {
  client_done_ = true;
  if (phase_ == Phase::answering && writing_ && responder_->complete())
    return;  // it asked, closed its side, and waits for the end
  if (phase_ == Phase::answering || phase_ == Phase::handling)
    log_access(kClientGone);
  close();
}

// No body, no query, no key; the path as it was sent, which is plain ASCII.
void Connection::log_access(int status) const {
  const RequestHead& head = parser_.head();
  const double milliseconds =
      std::chrono::duration<double, std::milli>(Clock::now() - request_start_)
          .count();
  log(LogLevel::info,
      "http",
      "{} {} {} {} bytes {:.0f} ms {}",
      head.method.empty() ? "-" : head.method.substr(0, 16),
      head.raw_path.empty() ? "-" : head.raw_path.substr(0, kMaxLoggedPath),
      status,
      responder_ ? responder_->body_bytes() : 0,
      milliseconds,
      admission_.client);
}

}  // namespace hadal
