// Carries "the reply has something" from any thread to its connection.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "server/http/connection.h"

namespace hadal {

// A reply's producer may hold on to `ready` longer than the connection, and
// even the server, lives: then ringing does nothing.
struct Connection::Bell : std::enable_shared_from_this<Connection::Bell> {
  explicit Bell(std::shared_ptr<Connection> connection)
      : connection_(std::move(connection)) {}

  // Any thread. Rings that nobody has answered yet count as one.
  void ring() {
    const std::lock_guard lock(mutex_);
    if (!connection_ || pending_)
      return;
    pending_ = true;
    connection_->channel_->post([bell = shared_from_this()] {
      if (const auto connection = bell->answered())
        connection->pump();
    });
  }

  void disconnect() {
    // The last owner might be this one: it must not die under the lock.
    std::shared_ptr<Connection> released;
    const std::lock_guard lock(mutex_);
    released = std::exchange(connection_, nullptr);
  }

 private:
  std::shared_ptr<Connection> answered() {
    const std::lock_guard lock(mutex_);
    pending_ = false;
    return connection_;
  }

  std::mutex mutex_;
  bool pending_ = false;
  std::shared_ptr<Connection> connection_;
};

}  // namespace hadal
