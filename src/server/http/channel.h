// One connection's bytes, without the library that moves them: TCP or TLS
// (asio_listener.cpp), or a script in tests.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>

namespace hadal {

// All calls but post come from the channel's own tasks: the callbacks below,
// and what is posted. They run one at a time. Callbacks never run within the
// call that names them.
class Channel {
 public:
  using Clock = std::chrono::steady_clock;
  virtual ~Channel() = default;

  // Once, before anything else. False: the client does not speak TLS.
  virtual void handshake(std::function<void(bool ok)> done) = 0;
  // At least one byte; 0: the client closed its side, or the connection broke.
  // One at a time. `into` stays until then.
  virtual void read(
      std::span<char> into, std::function<void(size_t bytes)> done) = 0;
  // All bytes, or false. One at a time. `bytes` stays until then.
  virtual void write(
      std::string_view bytes, std::function<void(bool ok)> done) = 0;
  // Calls `due` once at `when`; replaces the one before.
  virtual void wake_at(Clock::time_point when, std::function<void()> due) = 0;
  // Runs `task` soon. Any thread.
  virtual void post(std::function<void()> task) = 0;
  // Runs `task` on a thread that may be busy for a while. Any thread.
  virtual void post_elsewhere(std::function<void()> task) = 0;

  // Nothing more will be written; reading goes on.
  virtual void finish_sending() = 0;
  // Ends everything: what is outstanding calls back with 0 or false.
  virtual void close() = 0;
  // Whether the client closed its side, behind bytes that were not read yet.
  virtual bool peer_closed() const = 0;
};

}  // namespace hadal
