// The listening socket and the threads that move bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "server/http/channel.h"
#include "server/http/http_options.h"

namespace hadal {

class Listener {
 public:
  // `address` is the client's; `local`: it is this machine's own.
  using OnChannel = std::function<void(
      std::shared_ptr<Channel>, const std::string& address, bool local)>;

  // Binds and listens. Throws Error: invalid_argument for a name that leads
  // nowhere or TLS files that are not such, not_found, io when the port is
  // taken.
  explicit Listener(const HttpServerOptions& options);
  // stop() must have returned, or start() never been called.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  uint16_t port() const;
  std::string address() const;  // "127.0.0.1", "::1"
  bool loopback() const;
  bool encrypted() const;

  // Calls `on_channel` from the I/O threads, as a task of the channel.
  void start(OnChannel on_channel);
  void stop_accepting();
  // Waits until every channel is closed and every task has run.
  void stop();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hadal
