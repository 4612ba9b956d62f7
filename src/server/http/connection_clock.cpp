// What happens to a connection when nothing happens: slow clients are cut off,
// waiting ones get a sign of life.
#include <algorithm>

#include "base/log.h"
#include "server/http/connection.h"

namespace hadal {
namespace {

// How often a client is looked at that has sent more than is read from it while
// it waits.
constexpr std::chrono::milliseconds kPeerCheck{500};

}  // namespace

// The earliest time at which something is due.
std::optional<Connection::Clock::time_point> Connection::deadline() const {
  const HttpTimeouts& timeouts = shared_.options.timeouts;
  std::optional<Clock::time_point> first;
  const auto due = [&first](Clock::time_point when) {
    first = first ? std::min(*first, when) : when;
  };
  if (writing_)
    due(write_start_ + timeouts.write);
  switch (phase_) {
    case Phase::handshake:
      due(phase_start_ + timeouts.handshake);
      break;
    case Phase::receiving:
      if (parser_.state() == RequestParser::State::body) {
        const std::chrono::duration<double> earned(
            static_cast<double>(parser_.body_bytes()) /
            timeouts.body_bytes_per_second);
        due(phase_start_ + timeouts.body +
            std::chrono::duration_cast<std::chrono::milliseconds>(earned));
      } else if (parser_.state() == RequestParser::State::head) {
        due(phase_start_ + timeouts.header);
      } else {
        due(phase_start_ + timeouts.idle);
      }
      break;
    case Phase::handling:
    case Phase::answering:
      if (!reading_ && !client_done_)
        due(Clock::now() + kPeerCheck);
      if (phase_ == Phase::answering && !writing_ && responder_)
        due(last_sent_ + responder_->keep_alive_after(timeouts));
      break;
    case Phase::lingering:
      due(phase_start_ + timeouts.linger);
      break;
    case Phase::closed:
      return {};
  }
  return first;
}

// The alarm is only ever moved forward: one that comes too early looks at the
// clock and sets the next.
void Connection::watch_clock() {
  const auto when = deadline();
  if (!when || (alarm_ && *alarm_ <= *when))
    return;
  alarm_ = when;
  channel_->wake_at(*when, [self = shared_from_this()] { self->on_clock(); });
}

void Connection::on_clock() {
  alarm_.reset();
  if (phase_ == Phase::closed)
    return;
  const Clock::time_point now = Clock::now();
  const HttpTimeouts& timeouts = shared_.options.timeouts;
  if (writing_ && now >= write_start_ + timeouts.write) {
    log(LogLevel::info, "http", "{}: slow reader, cut off", address_);
    return client_gone();
  }
  if (phase_ == Phase::handling || phase_ == Phase::answering) {
    if (!reading_ && !client_done_ && channel_->peer_closed())
      return client_gone();
    if (phase_ == Phase::answering && !writing_ && responder_ &&
        now >= last_sent_ + responder_->keep_alive_after(timeouts)) {
      last_sent_ = now;  // also when there was nothing to send
      std::string bytes = responder_->keep_alive();
      if (!bytes.empty())
        send(std::move(bytes));
    }
  } else if (const auto when = deadline(); when && now >= *when) {
    return on_receive_timeout();
  }
  watch_clock();
}

void Connection::on_receive_timeout() {
  const bool begun = parser_.state() == RequestParser::State::head ||
                     parser_.state() == RequestParser::State::body;
  if (phase_ == Phase::receiving && begun && !writing_)
    return refuse(408, "the request did not come in time");
  close();
}

}  // namespace hadal
