// An HTTP/1.1 server for one Service: keep-alive, pipelining, chunked bodies,
// event streams, TLS, API keys, CORS, and limits for everything.
//
//   HttpServer server({.port = 8080}, service);
//   ... until somebody wants it to end ...
//   server.stop(std::chrono::seconds(5));
//
// Logs to the area "http": at info a line a request (method, path, status,
// bytes, milliseconds, client; no bodies, queries or keys).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "server/http/http_options.h"
#include "server/service.h"

namespace hadal {

struct HttpServerStatus {
  size_t connections = 0;
  uint64_t accepted = 0;
  uint64_t refused = 0;  // too many at once
};

class HttpServer {
 public:
  // Listens and answers when it returns. `service` outlives the server. Throws
  // as Listener, and Error(invalid_argument) for options out of range.
  HttpServer(HttpServerOptions options, Service& service);
  ~HttpServer();  // stop at once
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  // "http://127.0.0.1:8080"
  const std::string& url() const;

  // Accepts nothing more, lets answers that are being made end for up to
  // `grace`, then cuts them off (their Replies are destroyed). Returns when no
  // Reply is left. Once.
  void stop(std::chrono::milliseconds grace);

  HttpServerStatus status() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hadal
