#include "server/http/http_server.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <vector>

#include "base/log.h"
#include "hadal/error.h"
#include "server/http/connection.h"
#include "server/http/listener.h"

namespace hadal {
namespace {

// Connections beyond the limit that hear so; those beyond these are closed
// without a word.
constexpr size_t kRefusedAtOnce = 64;
constexpr int kMaxIoThreads = 64;

void check(const HttpServerOptions& options) {
  if (options.threads < 1 || options.threads > kMaxIoThreads)
    throw Error(
        ErrorCode::invalid_argument,
        fmt::format("HttpServerOptions.threads is {}", options.threads));
}

std::string url_text(const Listener& listener) {
  const std::string address = listener.address();
  const bool v6 = address.find(':') != std::string::npos;
  return fmt::format(
      "{}://{}{}{}:{}",
      listener.encrypted() ? "https" : "http",
      v6 ? "[" : "",
      address,
      v6 ? "]" : "",
      listener.port());
}

}  // namespace

struct HttpServer::State {
  struct Entry {
    std::shared_ptr<Channel> channel;
    std::weak_ptr<Connection> connection;
    std::string address;
    bool refused = false;
  };

  State(HttpServerOptions given, Service& service)
      : options(std::move(given)),
        listener(options),
        rules(options, listener.loopback()),
        shared{options, rules, service},
        url(url_text(listener)) {}

  void adopt(
      std::shared_ptr<Channel> channel, const std::string& address, bool local);
  void forget(uint64_t id);
  // Runs `task` on every connection's own strand.
  void for_each(void (Connection::*task)());
  bool wait_until_none(std::chrono::milliseconds grace);

  const HttpServerOptions options;
  Listener listener;
  const AccessRules rules;
  ConnectionShared shared;
  const std::string url;

  mutable std::mutex mutex;
  std::condition_variable changed;
  std::map<uint64_t, Entry> connections;
  std::map<std::string, size_t> by_address;
  size_t refused_now = 0;
  HttpServerStatus totals;
  bool stopped = false;
};

void HttpServer::State::adopt(
    std::shared_ptr<Channel> channel, const std::string& address, bool local) {
  std::shared_ptr<Connection> connection;
  bool refused = false;
  {
    const std::lock_guard lock(mutex);
    const uint64_t id = ++totals.accepted;
    const HttpLimits& limits = options.limits;
    const size_t served = connections.size() - refused_now;
    refused = served >= limits.connections ||
              (!local && by_address[address] >= limits.connections_per_address);
    if (refused)
      ++totals.refused;
    if (shared.draining ||
        (refused && (refused_now >= kRefusedAtOnce || listener.encrypted()))) {
      channel->close();
      return;
    }
    connection = std::make_shared<Connection>(
        channel, address, shared, [this, id] { forget(id); });
    connections[id] = {channel, connection, address, refused};
    ++by_address[address];
    if (refused)
      ++refused_now;
  }
  if (refused)
    connection->start_refused();
  else
    connection->start();
}

void HttpServer::State::forget(uint64_t id) {
  const std::lock_guard lock(mutex);
  const auto found = connections.find(id);
  if (found == connections.end())
    return;
  const auto count = by_address.find(found->second.address);
  if (--count->second == 0)
    by_address.erase(count);
  if (found->second.refused)
    --refused_now;
  connections.erase(found);
  changed.notify_all();
}

void HttpServer::State::for_each(void (Connection::*task)()) {
  const std::lock_guard lock(mutex);
  for (const auto& [id, entry] : connections)
    entry.channel->post([weak = entry.connection, task] {
      if (const auto connection = weak.lock())
        (connection.get()->*task)();
    });
}

bool HttpServer::State::wait_until_none(std::chrono::milliseconds grace) {
  std::unique_lock lock(mutex);
  return changed.wait_for(lock, grace, [this] { return connections.empty(); });
}

HttpServer::HttpServer(HttpServerOptions options, Service& service) {
  check(options);
  state_ = std::make_unique<State>(std::move(options), service);
  log(LogLevel::info,
      "http",
      "listening on {}{}{}",
      state_->url,
      state_->listener.loopback() ? ", for this machine only" : "",
      state_->options.api_keys.empty()
          ? ""
          : fmt::format(", {} API keys", state_->options.api_keys.size()));
  if (!state_->listener.loopback() && state_->options.api_keys.empty())
    log(LogLevel::warning,
        "http",
        "everybody who reaches {} may use the server: no API key is set",
        state_->url);
  state_->listener.start(
      [state = state_.get()](
          std::shared_ptr<Channel> channel,
          const std::string& address,
          bool local) { state->adopt(std::move(channel), address, local); });
}

HttpServer::~HttpServer() {
  stop(std::chrono::milliseconds(0));
}

uint16_t HttpServer::port() const {
  return state_->listener.port();
}

const std::string& HttpServer::url() const {
  return state_->url;
}

void HttpServer::stop(std::chrono::milliseconds grace) {
  {
    const std::lock_guard lock(state_->mutex);
    if (std::exchange(state_->stopped, true))
      return;
    state_->shared.draining = true;
  }
  state_->listener.stop_accepting();
  state_->for_each(&Connection::drain);
  if (!state_->wait_until_none(grace))
    state_->for_each(&Connection::close);
  state_->listener.stop();
}

HttpServerStatus HttpServer::status() const {
  const std::lock_guard lock(state_->mutex);
  HttpServerStatus status = state_->totals;
  status.connections = state_->connections.size();
  return status;
}

}  // namespace hadal
