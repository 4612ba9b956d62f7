// Beast understands the answers; client_stream.h moves the bytes.
#include "server/http/http_client.h"

#include <fmt/format.h>

#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <utility>

#include "hadal/error.h"
#include "server/http/client_stream.h"

namespace hadal {
namespace {

namespace http = boost::beast::http;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

struct HttpClient::State {
  explicit State(HttpClientOptions given)
      : options(std::move(given)), url(parse_url(options.url)), stream(url) {
    if (options.api_key.find_first_of("\r\n") != std::string::npos)
      throw Error(ErrorCode::invalid_argument, "the API key has a line break");
  }

  // The answer itself is at fault.
  void require(boost::beast::error_code error, const char* what) {
    if (!error)
      return;
    stream.close();
    throw Error(
        ErrorCode::io,
        fmt::format(
            "{}:{}: cannot {}: {}", url.host, url.port, what, error.message()));
  }

  std::string request_text(
      const char* method, const std::string& path, const std::string* body);
  bool exchange(
      const std::string& request, const OnBytes& on_bytes, HttpResponse& out);
  HttpResponse run(
      const char* method,
      const std::string& path,
      const std::string* body,
      const OnBytes& on_bytes,
      std::stop_token stop);

  HttpClientOptions options;
  HttpUrl url;
  ClientStream stream;
  char block[16384];
};

std::string HttpClient::State::request_text(
    const char* method, const std::string& path, const std::string* body) {
  const bool v6 = url.host.find(':') != std::string::npos;
  std::string out = fmt::format(
      "{} {}{} HTTP/1.1\r\nHost: {}{}{}:{}\r\nUser-Agent: hadal\r\n"
      "Accept: */*\r\n",
      method,
      url.path,
      path,
      v6 ? "[" : "",
      url.host,
      v6 ? "]" : "",
      url.port);
  if (!options.api_key.empty())
    out += "Authorization: Bearer " + options.api_key + "\r\n";
  if (body != nullptr)
    out += fmt::format(
        "Content-Type: application/json\r\nContent-Length: {}\r\n",
        body->size());
  out += "\r\n";
  if (body != nullptr)
    out += *body;
  return out;
}

// One request on the open connection. False when the server closed it before
// it sent a byte, as it may do with one that was idle.
bool HttpClient::State::exchange(
    const std::string& request, const OnBytes& on_bytes, HttpResponse& out) {
  stream.send(request, options.idle_timeout);
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.body_limit(boost::none);
  std::string pending;
  while (!parser.is_done()) {
    boost::beast::error_code error;
    const size_t size = stream.receive(block, options.idle_timeout);
    if (size == 0) {
      if (!parser.got_some() && pending.empty())
        return false;
      parser.put_eof(error);
      require(error, "read the answer to its end");
    }
    pending.append(block, size);
    while (!pending.empty() && !parser.is_done()) {
      const size_t used = parser.put({pending.data(), pending.size()}, error);
      pending.erase(0, used);
      if (error == http::error::need_more)
        break;
      require(error, "understand the answer");
    }
    if (!parser.is_header_done())
      continue;
    out.status = parser.get().result_int();
    std::string bytes = std::exchange(parser.get().body(), {});
    if (!on_bytes || out.status / 100 != 2) {
      out.body += bytes;
    } else if (!bytes.empty() && !on_bytes(bytes)) {
      stream.close();
      return true;
    }
  }
  for (const auto& field : parser.get())
    out.headers[lower(std::string(field.name_string()))] =
        std::string(field.value());
  if (!parser.keep_alive() || !pending.empty())
    stream.close();
  return true;
}

HttpResponse HttpClient::State::run(
    const char* method,
    const std::string& path,
    const std::string* body,
    const OnBytes& on_bytes,
    std::stop_token stop) {
  stream.allow_again();
  const std::stop_callback wake(stop, [this] { stream.stop(); });
  const std::string request = request_text(method, path, body);
  HttpResponse out;
  const bool reused = stream.connected();
  if (!reused)
    stream.connect(options.connect_timeout);
  try {
    if (exchange(request, on_bytes, out))
      return out;
  } catch (const Error& error) {
    // The server may have closed the idle connection while this was sent.
    if (!reused || error.code() != ErrorCode::io || out.status != 0)
      throw;
  }
  stream.close();
  if (reused) {
    stream.connect(options.connect_timeout);
    if (exchange(request, on_bytes, out))
      return out;
  }
  stream.close();
  throw Error(
      ErrorCode::io,
      fmt::format(
          "{}:{}: the server closed the connection without an answer",
          url.host,
          url.port));
}

HttpClient::HttpClient(HttpClientOptions options)
    : state_(std::make_unique<State>(std::move(options))) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;

HttpResponse HttpClient::get(const std::string& path, std::stop_token stop) {
  return state_->run("GET", path, nullptr, {}, std::move(stop));
}

HttpResponse HttpClient::post(
    const std::string& path,
    const std::string& json,
    const OnBytes& on_bytes,
    std::stop_token stop) {
  return state_->run("POST", path, &json, on_bytes, std::move(stop));
}

}  // namespace hadal
