// What an HTTP server is told: where to listen, whom to trust, and a limit for
// everything that a client could make large or slow.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "server/http/api_keys.h"

namespace hadal {

struct HttpLimits {
  // The request line with all headers. Beyond: 431.
  size_t header_bytes = 32 << 10;
  size_t header_count = 128;
  size_t query_parameters = 64;
  // Beyond: 413. A prompt of a million tokens has 4 to 6 MB of text; escaped as
  // JSON and with tools it stays below this.
  size_t body_bytes = 32 << 20;
  // Bodies of all connections while they are received. Beyond: 503.
  size_t all_body_bytes = 512 << 20;
  // Bytes that a client may send ahead while it waits for an answer. Beyond:
  // they stay in the socket until the answer is complete.
  size_t pipelined_bytes = 64 << 10;
  // Bytes handed to the socket at once. A reader gets `write` for each.
  size_t write_bytes = 64 << 10;
  // Beyond: 503.
  size_t connections = 1024;
  // From one address; those of the machine itself (a proxy's) count only for
  // `connections`.
  size_t connections_per_address = 256;
  // Requests with larger bodies are read (parsed, counted in tokens, their
  // schemas compiled) on a thread of their own, so that other connections of
  // the I/O thread need not wait.
  size_t quick_body_bytes = 0;
};

struct HttpTimeouts {
  using Milliseconds = std::chrono::milliseconds;
  Milliseconds handshake{10'000};  // of TLS
  Milliseconds header{10'000};     // from its first byte. Beyond: 408
  // A body gets this and a second more for every `body_bytes_per_second`
  // received. Beyond: 408.
  Milliseconds body{30'000};
  double body_bytes_per_second = 4096;
  Milliseconds idle{75'000};   // between two requests of a connection
  Milliseconds write{30'000};  // for the reader to take HttpLimits::write_bytes
  Milliseconds linger{2'000};  // what a refused client still sends is read
  Milliseconds stream_keep_alive{5'000};  // without a byte sent
  // An answer that is not a stream commits to 200 after this and sends blanks.
  Milliseconds body_keep_alive{10'000};
};

struct HttpServerOptions {
  std::string host = "127.0.0.1";  // an address or a name
  uint16_t port = 8080;            // 0: any that is free
  // PEM files; both or none. With them the server speaks TLS 1.2 and 1.3 only.
  std::string tls_certificate;
  std::string tls_key;
  // Without keys everybody may ask.
  std::vector<ApiKey> api_keys;
  // Paths that need no key.
  std::vector<std::string> open_paths = {"/health", "/"};
  // Origins of web pages that may use the server, "https://chat.example"; "*":
  // every one.
  std::vector<std::string> cors_origins;
  // Names under which the server is reached beside its address and localhost.
  // On a loopback address, or when there are any, other names in Host are
  // refused: a page of a foreign name that leads here (DNS rebinding) could
  // read answers otherwise.
  std::vector<std::string> host_names;
  int threads = 1;  // for sockets
  HttpLimits limits;
  HttpTimeouts timeouts;
};

}  // namespace hadal
