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

// The requests' ranks within their clients, one rank after the other.
std::vector<RequestId> FairQueue::first(size_t count) const {
  std::vector<RequestId> result;
  bool found = true;
  for (size_t rank = 0; found; ++rank) {
    found = false;
    for (const Client& client : round_) {
      if (rank >= client.waiting.size())
        continue;
      if (result.size() == count)
        return result;
      result.push_back(client.waiting[rank]);
      found = true;
    }
  }
  return result;
}

FairQueue::Round::iterator FairQueue::erase(RequestId id) {
  for (auto client = round_.begin(); client != round_.end(); ++client) {
    const auto at =
        std::find(client->waiting.begin(), client->waiting.end(), id);
    if (at == client->waiting.end())
      continue;
    client->waiting.erase(at);
    --size_;
    return client;
  }
  return round_.end();
}

void FairQueue::take(RequestId id) {
  const auto at = erase(id);
  HADAL_CHECK(at != round_.end());
  Client client = std::move(*at);
  round_.erase(at);
  if (!client.waiting.empty())
    round_.push_back(std::move(client));
}

bool FairQueue::remove(RequestId id) {
  const auto client = erase(id);
  if (client == round_.end())
    return false;
  if (client->waiting.empty())
    round_.erase(client);
  return true;
}

}  // namespace hadal
