// Requests that wait for their turn: clients one after the other, and the
// requests of a client in the order they came.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "engine/engine.h"

namespace hadal {

class FairQueue {
 public:
  void push(const std::string& client, RequestId id);
  // Whose turn it is, and who comes next: up to `count` of them.
  std::vector<RequestId> first(size_t count) const;
  // It was taken up: its client goes to the end of the round. It must be here.
  void take(RequestId id);
  // It goes without having been taken up. False when it is not here.
  bool remove(RequestId id);

  int64_t size() const { return size_; }

 private:
  struct Client {
    std::string name;
    std::deque<RequestId> waiting;
  };
  using Round = std::deque<Client>;
  // The client that it left, with or without further requests; the end when
  // it is not here.
  Round::iterator erase(RequestId id);

  Round round_;  // none of them without requests
  int64_t size_ = 0;
};

}  // namespace hadal
