// A client's connection to a server: TCP, or TLS with the server's name
// checked. Blocking, with a limit for every wait.
#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "server/http/http_url.h"

namespace hadal {

// Used by one thread, but for stop(). What fails closes the connection and
// throws Error: io with the reason, cancelled after stop().
class ClientStream {
 public:
  using Milliseconds = std::chrono::milliseconds;

  explicit ClientStream(HttpUrl url);
  ~ClientStream();
  ClientStream(const ClientStream&) = delete;
  ClientStream& operator=(const ClientStream&) = delete;

  bool connected() const;
  // `limit`: for each of finding the host, connecting and the handshake.
  void connect(Milliseconds limit);
  void send(std::string_view bytes, Milliseconds limit);
  // 0: the server has closed its side.
  size_t receive(std::span<char> into, Milliseconds limit);
  void close();

  // Any thread: what waits ends, and what comes after, until allow_again().
  void stop();
  void allow_again();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hadal
