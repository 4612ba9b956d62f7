// A blocking HTTP/1.1 client: one connection, kept from request to request.
//
//   HttpClient client({.url = "http://127.0.0.1:8080", .api_key = key});
//   HttpResponse response = client.post("/v1/chat/completions", json,
//   on_bytes);
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "server/http/http_url.h"

namespace hadal {

struct HttpClientOptions {
  std::string url;
  std::string api_key;  // sent as Authorization: Bearer; empty: none
  std::chrono::milliseconds connect_timeout{10'000};
  // Without a byte from the server.
  std::chrono::milliseconds idle_timeout{600'000};
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

// Used by one thread at a time. With https the server's certificate must be
// valid for its name; OpenSSL's variables (SSL_CERT_FILE) add authorities.
class HttpClient {
 public:
  // What of the body has come. False: no more is wanted, the connection is
  // closed and the request returns.
  using OnBytes = std::function<bool(std::string_view bytes)>;

  explicit HttpClient(HttpClientOptions options);
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;

  // `path` comes behind the url's own. The body of a 2xx answer goes to
  // `on_bytes`, where there is one, any other into the response. Throws Error:
  // io (no connection, broken off, silent for too long), cancelled (`stop`).
  HttpResponse get(const std::string& path, std::stop_token stop = {});
  HttpResponse post(
      const std::string& path,
      const std::string& json,
      const OnBytes& on_bytes = {},
      std::stop_token stop = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace hadal
