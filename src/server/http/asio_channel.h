// A Channel over Asio's sockets, with or without TLS. Included by listener.cpp
// and client_stream.cpp alone.
#pragma once

#include <poll.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <memory>
#include <type_traits>
#include <utility>

#include "server/http/channel.h"

namespace hadal {

using PlainStream = boost::asio::ip::tcp::socket;
using TlsStream = boost::asio::ssl::stream<PlainStream>;

// `Stream` is one of the two; its executor is a strand.
template <class Stream>
class AsioChannel : public Channel,
                    public std::enable_shared_from_this<AsioChannel<Stream>> {
 public:
  static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;
  using ErrorCode = boost::system::error_code;

  AsioChannel(Stream stream, boost::asio::thread_pool& workers)
      : stream_(std::move(stream)),
        timer_(stream_.get_executor()),
        workers_(workers) {}

  void handshake(std::function<void(bool)> done) override {
    if constexpr (kTls) {
      stream_.async_handshake(
          boost::asio::ssl::stream_base::server,
          [self = this->shared_from_this(),
           done = std::move(done)](ErrorCode error) { done(!error); });
    } else {
      post([done = std::move(done)] { done(true); });
    }
  }

  void read(std::span<char> into, std::function<void(size_t)> done) override {
    stream_.async_read_some(
        boost::asio::buffer(into.data(), into.size()),
        [self = this->shared_from_this(), done = std::move(done)](
            ErrorCode error, size_t bytes) { done(error ? 0 : bytes); });
  }

  void write(std::string_view bytes, std::function<void(bool)> done) override {
    boost::asio::async_write(
        stream_,
        boost::asio::buffer(bytes.data(), bytes.size()),
        [self = this->shared_from_this(), done = std::move(done)](
            ErrorCode error, size_t) { done(!error); });
  }

  void wake_at(Clock::time_point when, std::function<void()> due) override {
    timer_.expires_at(when);  // cancels the wait before
    timer_.async_wait([self = this->shared_from_this(),
                       due = std::move(due)](ErrorCode error) {
      if (!error)
        due();
    });
  }

  void post(std::function<void()> task) override {
    boost::asio::post(
        stream_.get_executor(),
        [self = this->shared_from_this(), task = std::move(task)] { task(); });
  }

  void post_elsewhere(std::function<void()> task) override {
    boost::asio::post(workers_, std::move(task));
  }

  void finish_sending() override {
    if constexpr (kTls) {
      stream_.async_shutdown([self = this->shared_from_this()](ErrorCode) {});
    } else {
      ErrorCode ignored;
      stream_.shutdown(PlainStream::shutdown_send, ignored);
    }
  }

  void close() override {
    ErrorCode ignored;
    socket().close(ignored);
    timer_.cancel();
  }

  bool peer_closed() const override {
    pollfd look{
        .fd = const_cast<AsioChannel*>(this)->socket().native_handle(),
        .events = 0,
        .revents = 0};
#ifdef POLLRDHUP
    look.events = POLLRDHUP;
#endif
    return ::poll(&look, 1, 0) > 0 && look.revents != 0;
  }

 private:
  PlainStream& socket() {
    if constexpr (kTls)
      return stream_.next_layer();
    else
      return stream_;
  }

  Stream stream_;
  boost::asio::steady_timer timer_;
  boost::asio::thread_pool& workers_;
};

}  // namespace hadal
