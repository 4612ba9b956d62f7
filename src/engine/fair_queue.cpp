#include "engine/fair_queue.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace hadal {

void FairQueue::push(const std::string& client, RequestId id) {
  auto at = std::find_if(round_.begin(), round_.end(), [&](const Client& c) {
    return c.name == client;
  });
  if (at == round_.end())
    at = round_.insert(round_.end(), {client, {}});
  at->waiting.push_back(id);
  ++size_;
}

std::optional<RequestId> FairQueue::front() const {
  if (round_.empty())
    return std::nullopt;
  return round_.front().waiting.front();
}

void FairQueue::pop() {
  HADAL_CHECK(!round_.empty());
  Client client = std::move(round_.front());
  round_.pop_front();
  client.waiting.pop_front();
  --size_;
  if (!client.waiting.empty())
    round_.push_back(std::move(client));
}

bool FairQueue::remove(RequestId id) {
  for (auto client = round_.begin(); client != round_.end(); ++client) {
    const auto at =
        std::find(client->waiting.begin(), client->waiting.end(), id);
    if (at == client->waiting.end())
      continue;
    client->waiting.erase(at);
    --size_;
    if (client->waiting.empty())
      round_.erase(client);
    return true;
  }
  return false;
}

}  // namespace hadal
