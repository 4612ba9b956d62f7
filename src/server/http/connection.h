// One client's connection: requests in, answers out, one after the other, and
// an eye on the client and the clock all the while.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "server/http/access_rules.h"
#include "server/http/channel.h"
#include "server/http/http_options.h"
#include "server/http/request_parser.h"
#include "server/http/responder.h"
#include "server/service.h"

namespace hadal {

// What all connections of a server share. Outlives them.
struct ConnectionShared {
  const HttpServerOptions& options;
  const AccessRules& rules;
  Service& service;
  std::atomic<size_t> body_bytes = 0;  // received and not yet handed over
  std::atomic<bool> draining = false;  // answer what is asked, then close
};

// Reads on while an answer is made, so that a client that goes away is noticed
// at once, whatever the request waits for: its Reply is destroyed. A client
// that closes only its sending side counts as gone too, unless the end of the
// answer is on its way already.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `closed` is called once, when nothing of a request is left.
  Connection(
      std::shared_ptr<Channel> channel,
      std::string address,
      ConnectionShared& shared,
      std::function<void()> closed);
  ~Connection();

  // These run as tasks of the channel.
  void start();
  // Answers 503 whatever is asked, and closes.
  void start_refused();
  // The server stops: closes now if no answer is being made, else after it.
  void drain();
  // Closes now.
  void close();

 private:
  using Clock = Channel::Clock;
  enum class Phase {
    handshake,
    receiving,
    handling,
    answering,
    lingering,
    closed
  };

  // The way from a Reply's `ready` to this connection. It stays valid when
  // either of them is gone.
  struct Bell;

  void receive();
  void on_read(size_t bytes);
  void parse();
  bool admit();
  bool account_body();
  void release_body();
  void dispatch();
  void refuse(int status, const std::string& message);
  void answer(std::unique_ptr<Reply> reply);
  void pump();
  void send(std::string bytes);
  void send_slice();
  void on_sent(bool ok);
  void finish_answer();
  void linger();
  void client_gone();
  void log_access(int status) const;

  std::optional<Clock::time_point> deadline() const;
  void watch_clock();
  void on_clock();
  void on_receive_timeout();

  std::shared_ptr<Channel> channel_;
  const std::string address_;
  ConnectionShared& shared_;
  std::function<void()> closed_;

  Phase phase_ = Phase::handshake;
  Clock::time_point phase_start_;
  bool reading_ = false;
  std::vector<char> block_;
  std::string pending_;  // received, not yet parsed
  bool client_done_ = false;

  RequestParser parser_;
  bool admitted_ = false;  // the head was checked
  Admission admission_;
  size_t accounted_ = 0;  // of shared_.body_bytes
  Clock::time_point request_start_;

  std::shared_ptr<Bell> bell_;
  std::unique_ptr<Responder> responder_;
  std::string out_;  // being sent
  size_t sent_ = 0;
  bool writing_ = false;
  Clock::time_point write_start_;
  Clock::time_point last_sent_;
  std::optional<Clock::time_point> alarm_;
};

}  // namespace hadal
