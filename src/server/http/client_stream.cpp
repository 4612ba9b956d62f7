#include "server/http/client_stream.h"

#include <fmt/format.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <optional>
#include <utility>

#include "hadal/error.h"
#include "server/http/asio_channel.h"

namespace hadal {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using tcp = asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

}  // namespace

struct ClientStream::State {
  explicit State(HttpUrl given) : url(std::move(given)) {
    if (!url.tls)
      return;
    tls_context.emplace(ssl::context::tls_client);
    tls_context->set_default_verify_paths();
    tls_context->set_verify_mode(ssl::verify_peer);
  }

  tcp::socket& socket() { return tls ? tls->next_layer() : *plain; }

  void close_socket() {
    error_code ignored;
    if (tls || plain)
      socket().close(ignored);
  }

  void drop() {
    close_socket();
    tls.reset();
    plain.reset();
  }

  // Runs the operation that `start` begins until it calls back with an error
  // code (no error included). Closes the connection when the time is up or
  // somebody wants to stop, which ends the operation.
  template <class Start>
  error_code wait(Milliseconds limit, Start start) {
    std::optional<error_code> result;
    start([&result](error_code error) { result = error; });
    const auto until = Clock::now() + limit;
    bool closed = false;
    while (!result) {
      io.restart();
      io.run_one_until(closed ? Clock::time_point::max() : until);
      if (!result && !closed && (stopped || Clock::now() >= until)) {
        resolver.cancel();
        close_socket();
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

  HttpUrl url;
  asio::io_context io;
  tcp::resolver resolver{io};
  std::optional<ssl::context> tls_context;
  std::optional<PlainStream> plain;
  std::optional<TlsStream> tls;
  bool stopped = false;
};

ClientStream::ClientStream(HttpUrl url)
    : state_(std::make_unique<State>(std::move(url))) {}
ClientStream::~ClientStream() = default;

bool ClientStream::connected() const {
  return state_->tls || state_->plain;
}

void ClientStream::connect(Milliseconds limit) {
  State& state = *state_;
  tcp::resolver::results_type found;
  state.require(
      state.wait(
          limit,
          [&](auto done) {
            state.resolver.async_resolve(
                state.url.host,
                std::to_string(state.url.port),
                [&found, done](error_code error, auto results) {
                  found = results;
                  done(error);
                });
          }),
      "find the host");
  if (state.url.tls)
    state.tls.emplace(state.io, *state.tls_context);
  else
    state.plain.emplace(state.io);
  state.require(
      state.wait(
          limit,
          [&](auto done) {
            asio::async_connect(
                state.socket(), found, [done](error_code error, const auto&) {
                  done(error);
                });
          }),
      "connect");
  error_code ignored;
  state.socket().set_option(tcp::no_delay(true), ignored);
  if (!state.tls)
    return;
  ::SSL_set_tlsext_host_name(
      state.tls->native_handle(), state.url.host.c_str());
  state.tls->set_verify_callback(ssl::host_name_verification(state.url.host));
  state.require(
      state.wait(
          limit,
          [&](auto done) {
            state.tls->async_handshake(ssl::stream_base::client, done);
          }),
      "speak TLS");
}

void ClientStream::send(std::string_view bytes, Milliseconds limit) {
  const auto write = [&](auto& stream) {
    return state_->wait(limit, [&](auto done) {
      asio::async_write(
          stream,
          asio::buffer(bytes.data(), bytes.size()),
          [done](error_code error, size_t) { done(error); });
    });
  };
  state_->require(
      state_->tls ? write(*state_->tls) : write(*state_->plain),
      "send the request");
}

size_t ClientStream::receive(std::span<char> into, Milliseconds limit) {
  size_t size = 0;
  const auto read = [&](auto& stream) {
    return state_->wait(limit, [&](auto done) {
      stream.async_read_some(
          asio::buffer(into.data(), into.size()),
          [&size, done](error_code result, size_t n) {
            size = n;
            done(result);
          });
    });
  };
  const error_code error =
      state_->tls ? read(*state_->tls) : read(*state_->plain);
  if (error == asio::error::eof || error == ssl::error::stream_truncated)
    return 0;
  state_->require(error, "read the answer");
  return size;
}

void ClientStream::close() {
  state_->drop();
}

void ClientStream::stop() {
  asio::post(state_->io, [state = state_.get()] { state->stopped = true; });
}

void ClientStream::allow_again() {
  state_->stopped = false;
}

}  // namespace hadal
