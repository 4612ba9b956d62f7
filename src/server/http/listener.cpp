#include "server/http/listener.h"

#include <fmt/format.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/strand.hpp>
#include <filesystem>
#include <optional>
#include <thread>
#include <vector>

#include "base/log.h"
#include "hadal/error.h"
#include "server/http/asio_channel.h"

namespace hadal {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using tcp = asio::ip::tcp;
using boost::system::error_code;

// Threads for requests that take a while to read.
constexpr size_t kWorkers = 2;
// After a failed accept (no free descriptor, most likely).
constexpr std::chrono::milliseconds kAcceptPause{100};

tcp::endpoint resolved(
    asio::io_context& io, const std::string& host, uint16_t port) {
  tcp::resolver resolver(io);
  error_code error;
  const auto found = resolver.resolve(
      host, std::to_string(port), tcp::resolver::passive, error);
  if (error || found.empty())
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("--host: cannot find \"{}\": {}", host, error.message()));
  return found.begin()->endpoint();
}

// HTTP/1.1 is all that is spoken here; clients that offer it hear so.
int choose_protocol(
    SSL*,
    const unsigned char** out,
    unsigned char* out_size,
    const unsigned char* in,
    unsigned int in_size,
    void*) {
  static constexpr unsigned char kOurs[] = "\x08http/1.1";
  unsigned char* chosen = nullptr;
  if (::SSL_select_next_proto(
          &chosen, out_size, kOurs, sizeof kOurs - 1, in, in_size) !=
      OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

void require_file(const std::string& file, const char* flag) {
  if (!std::filesystem::exists(file))
    throw Error(
        ErrorCode::not_found, fmt::format("{}: there is no {}", flag, file));
}

ssl::context tls_context(const HttpServerOptions& options) {
  if (options.tls_certificate.empty() || options.tls_key.empty())
    throw Error(
        ErrorCode::invalid_argument, "TLS needs both --tls-cert and --tls-key");
  require_file(options.tls_certificate, "--tls-cert");
  require_file(options.tls_key, "--tls-key");
  ssl::context context(ssl::context::tls_server);
  context.set_options(
      ssl::context::default_workarounds | ssl::context::no_compression);
  ::SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  ::SSL_CTX_set_alpn_select_cb(
      context.native_handle(), choose_protocol, nullptr);
  error_code error;
  context.use_certificate_chain_file(options.tls_certificate, error);
  if (error)
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "--tls-cert: {} is not a PEM certificate: {}",
            options.tls_certificate,
            error.message()));
  context.use_private_key_file(options.tls_key, ssl::context::pem, error);
  if (error)
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format(
            "--tls-key: {} is not the PEM key of the certificate: {}",
            options.tls_key,
            error.message()));
  return context;
}

}  // namespace

struct Listener::State {
  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> work =
      asio::make_work_guard(io);
  asio::thread_pool workers{kWorkers};
  // One strand for the acceptor, so that it can be closed from outside.
  tcp::acceptor acceptor{asio::make_strand(io)};
  asio::steady_timer pause{acceptor.get_executor()};
  std::optional<ssl::context> tls;
  OnChannel on_channel;
  int thread_count = 1;
  std::vector<std::thread> threads;

  void accept() {
    // Every connection gets a strand of its own.
    acceptor.async_accept(
        asio::make_strand(io), [this](error_code error, tcp::socket socket) {
          if (!acceptor.is_open())
            return;
          if (error)
            return accept_later(error);
          adopt(std::move(socket));
          accept();
        });
  }

  void accept_later(error_code error) {
    log(LogLevel::warning,
        "http",
        "cannot accept a connection: {}",
        error.message());
    pause.expires_after(kAcceptPause);
    pause.async_wait([this](error_code) {
      if (acceptor.is_open())
        accept();
    });
  }

  void adopt(tcp::socket socket) {
    error_code error;
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error)
      return;  // gone already
    socket.set_option(tcp::no_delay(true), error);
    std::shared_ptr<Channel> channel;
    if (tls)
      channel = std::make_shared<AsioChannel<TlsStream>>(
          TlsStream(std::move(socket), *tls), workers);
    else
      channel = std::make_shared<AsioChannel<PlainStream>>(
          std::move(socket), workers);
    channel->post([this, channel, peer] {
      on_channel(
          channel, peer.address().to_string(), peer.address().is_loopback());
    });
  }

  // A task that throws is a defect; it ends its connection, not the server.
  void run() {
    while (true) {
      try {
        io.run();
        return;
      } catch (const std::exception& error) {
        log(LogLevel::error, "http", "unexpected: {}", error.what());
      }
    }
  }
};

Listener::Listener(const HttpServerOptions& options)
    : state_(std::make_unique<State>()) {
  state_->thread_count = options.threads;
  if (!options.tls_certificate.empty() || !options.tls_key.empty())
    state_->tls.emplace(tls_context(options));
  const tcp::endpoint endpoint =
      resolved(state_->io, options.host, options.port);
  tcp::acceptor& acceptor = state_->acceptor;
  error_code error;
  const auto must = [&error, &endpoint](const char* what) {
    if (error)
      throw Error(
          ErrorCode::io,
          fmt::format(
              "cannot {} {} port {}: {}; choose another with --port",
              what,
              endpoint.address().to_string(),
              endpoint.port(),
              error.message()));
  };
  acceptor.open(endpoint.protocol(), error);
  must("open a socket for");
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  must("prepare");
  // "::" means every address, those of IPv4 too.
  if (endpoint.protocol() == tcp::v6())
    acceptor.set_option(asio::ip::v6_only(false), error);
  acceptor.bind(endpoint, error);
  must("bind to");
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  must("listen on");
}

Listener::~Listener() = default;

uint16_t Listener::port() const {
  return state_->acceptor.local_endpoint().port();
}

std::string Listener::address() const {
  return state_->acceptor.local_endpoint().address().to_string();
}

bool Listener::loopback() const {
  return state_->acceptor.local_endpoint().address().is_loopback();
}

bool Listener::encrypted() const {
  return state_->tls.has_value();
}

void Listener::start(OnChannel on_channel) {
  state_->on_channel = std::move(on_channel);
  asio::post(state_->acceptor.get_executor(), [state = state_.get()] {
    state->accept();
  });
  for (int i = 0; i < state_->thread_count; ++i)
    state_->threads.emplace_back([state = state_.get()] { state->run(); });
}

void Listener::stop_accepting() {
  asio::post(state_->acceptor.get_executor(), [state = state_.get()] {
    error_code ignored;
    state->acceptor.close(ignored);
    state->pause.cancel();
  });
}

void Listener::stop() {
  stop_accepting();
  // What the workers do posts to the connections, so they end first.
  state_->workers.join();
  state_->work.reset();
  for (std::thread& thread : state_->threads)
    thread.join();
  state_->threads.clear();
}

}  // namespace hadal
