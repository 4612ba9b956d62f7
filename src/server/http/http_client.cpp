#include "server/http/http_client.h"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <charconv>
#include <optional>
#include <utility>

#include "hadal/error.h"
#include "server/http/asio_channel.h"

namespace hadal {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
namespace http = boost::beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

HttpUrl parse_url(std::string_view text) {
  const std::string whole(text);
  const auto wrong = [&whole] {
    return Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "\"{}\" is not a URL such as http://127.0.0.1:8080", whole));
  };
  HttpUrl url;
  if (text.starts_with("https://"))
    url.tls = true;
  if (const size_t scheme = text.find("://"); scheme != text.npos) {
    if (!url.tls && !text.starts_with("http://"))
      throw wrong();
    text.remove_prefix(scheme + 3);
  }
  const size_t slash = std::min(text.find('/'), text.size());
  url.path = text.substr(slash);
  while (url.path.ends_with('/'))
    url.path.pop_back();
  std::string_view authority = text.substr(0, slash);
  url.port = url.tls ? 443 : 80;
  const size_t bracket = authority.find(']');
  const size_t colon =
      authority.find(':', bracket == authority.npos ? 0 : bracket);
  if (colon != authority.npos) {
    const std::string_view port = authority.substr(colon + 1);
    const auto [end, error] =
        std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size())
      throw wrong();
    authority = authority.substr(0, colon);
  }
  if (authority.starts_with('[') && authority.ends_with(']'))
    authority = authority.substr(1, authority.size() - 2);
  url.host = authority;
  if (url.host.empty() || url.host.find_first_of(" \r\n@") != url.host.npos ||
      url.path.find_first_of(" \r\n?#") != url.path.npos)
    throw wrong();
  return url;
}

struct HttpClient::State {
  explicit State(HttpClientOptions given)
      : options(std::move(given)), url(parse_url(options.url)) {
    if (options.api_key.find_first_of("\r\n") != std::string::npos)
      throw Error(ErrorCode::invalid_argument, "the API key has a line break");
    if (url.tls) {
      tls_context.emplace(ssl::context::tls_client);
      tls_context->set_default_verify_paths();
      tls_context->set_verify_mode(ssl::verify_peer);
    }
  }

  tcp::socket& socket() { return tls ? tls->next_layer() : *plain; }
  bool connected() const { return tls || plain; }

  void close() {
    if (connected()) {
      error_code ignored;
      socket().close(ignored);
    }
  }

  void drop() {
    close();
    tls.reset();
    plain.reset();
  }

  // Runs the operation that `start` begins until it calls back with an error
  // code (no error included). Closes the connection when the time is up or
  // somebody wants to stop, which ends the operation.
  template <class Start>
  error_code wait(std::chrono::milliseconds limit, Start start) {
    std::optional<error_code> result;
    start([&result](error_code error) { result = error; });
    const auto until = Clock::now() + limit;
    bool closed = false;
    while (!result) {
      io.restart();
      io.run_one_until(closed ? Clock::time_point::max() : until);
      if (!result && !closed && (stopped || Clock::now() >= until)) {
        resolver.cancel();
        close();
        closed = true;
      }
    }
    return closed ? asio::error::timed_out : *result;
  }

  void require(error_code error, const char* what) {
    if (!error)
      return;
    drop();
    if (stopped)
      throw Error(ErrorCode::cancelled, "the request was stopped");
    throw Error(
        ErrorCode::io,
        fmt::format(
            "{}:{}: cannot {}: {}", url.host, url.port, what, error.message()));
  }

  void connect();
  void send(const std::string& bytes);
  size_t receive(error_code& error);
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
  asio::io_context io;
  tcp::resolver resolver{io};
  std::optional<ssl::context> tls_context;
  std::optional<PlainStream> plain;
  std::optional<TlsStream> tls;
  char block[16384];
  bool stopped = false;
};

void HttpClient::State::connect() {
  tcp::resolver::results_type found;
  require(
      wait(
          options.connect_timeout,
          [&](auto done) {
            resolver.async_resolve(
                url.host,
                std::to_string(url.port),
                [&found, done](error_code error, auto results) {
                  found = results;
                  done(error);
                });
          }),
      "find the host");
  if (url.tls)
    tls.emplace(io, *tls_context);
  else
    plain.emplace(io);
  require(
      wait(
          options.connect_timeout,
          [&](auto done) {
            asio::async_connect(
                socket(), found, [done](error_code error, const auto&) {
                  done(error);
                });
          }),
      "connect");
  error_code ignored;
  socket().set_option(tcp::no_delay(true), ignored);
  if (!tls)
    return;
  ::SSL_set_tlsext_host_name(tls->native_handle(), url.host.c_str());
  tls->set_verify_callback(ssl::host_name_verification(url.host));
  require(
      wait(
          options.connect_timeout,
          [&](auto done) {
            tls->async_handshake(ssl::stream_base::client, done);
          }),
      "speak TLS");
}

void HttpClient::State::send(const std::string& bytes) {
  const auto write = [&](auto& stream) {
    return wait(options.idle_timeout, [&](auto done) {
      asio::async_write(
          stream, asio::buffer(bytes), [done](error_code error, size_t) {
            done(error);
          });
    });
  };
  require(tls ? write(*tls) : write(*plain), "send the request");
}

// 0 with an error: the end, or a broken connection.
size_t HttpClient::State::receive(error_code& error) {
  size_t size = 0;
  const auto read = [&](auto& stream) {
    return wait(options.idle_timeout, [&](auto done) {
      stream.async_read_some(
          asio::buffer(block), [&size, done](error_code result, size_t n) {
            size = n;
            done(result);
          });
    });
  };
  error = tls ? read(*tls) : read(*plain);
  return error ? 0 : size;
}

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
  send(request);
  http::response_parser<http::string_body> parser;
  parser.eager(true);
  parser.body_limit(boost::none);
  std::string pending;
  while (!parser.is_done()) {
    error_code error;
    const size_t size = receive(error);
    if (error == asio::error::eof || error == ssl::error::stream_truncated) {
      if (!parser.got_some() && pending.empty())
        return false;
      error_code unfinished;
      parser.put_eof(unfinished);
      require(unfinished, "read the answer to its end");
    } else {
      require(error, "read the answer");
    }
    pending.append(block, size);
    while (!pending.empty() && !parser.is_done()) {
      const size_t used =
          parser.put(asio::buffer(pending.data(), pending.size()), error);
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
      drop();
      return true;
    }
  }
  for (const auto& field : parser.get())
    out.headers[lower(std::string(field.name_string()))] =
        std::string(field.value());
  if (!parser.keep_alive() || !pending.empty())
    drop();
  return true;
}

HttpResponse HttpClient::State::run(
    const char* method,
    const std::string& path,
    const std::string* body,
    const OnBytes& on_bytes,
    std::stop_token stop) {
  stopped = false;
  const std::stop_callback wake(
      stop, [this] { asio::post(io, [this] { stopped = true; }); });
  const std::string request = request_text(method, path, body);
  HttpResponse out;
  const bool reused = connected();
  if (!reused)
    connect();
  try {
    if (exchange(request, on_bytes, out))
      return out;
  } catch (const Error& error) {
    // The server may have closed the idle connection while this was sent.
    if (!reused || error.code() != ErrorCode::io || out.status != 0)
      throw;
  }
  drop();
  if (reused) {
    connect();
    if (exchange(request, on_bytes, out))
      return out;
  }
  drop();
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
