// Requests that wait for their turn: clients one after the other, and the
// requests of a client in the order they came.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "engine/engine.h"

namespace hadal {

class FairQueue {
 public:
  void push(const std::string& client, RequestId id);
  // Whose turn it is; none when nobody waits.
  std::optional<RequestId> front() const;
  // It was taken up: its client goes to the end of the round.
  void pop();
  // False when it is not here.
  bool remove(RequestId id);

  int64_t size() const { return size_; }

 private:
  struct Client {
    std::string name;
    std::deque<RequestId> waiting;
  };
  std::deque<Client> round_;  // none of them without requests
  int64_t size_ = 0;
};

}  // namespace hadal
