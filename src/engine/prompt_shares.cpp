#include "engine/prompt_shares.h"

#include <algorithm>
#include <numeric>

namespace hadal {
namespace {

struct Client {
  std::string name;
  std::vector<size_t> readers;  // by age
  int64_t wanted = 0;
};

// By name, so that turns do not depend on who came first.
std::vector<Client> group(std::span<const PromptReader> readers) {
  std::vector<Client> clients;
  for (size_t i = 0; i < readers.size(); ++i) {
    auto at = std::lower_bound(
        clients.begin(),
        clients.end(),
        readers[i].client,
        [](const Client& c, const std::string& name) { return c.name < name; });
    if (at == clients.end() || at->name != readers[i].client)
      at = clients.insert(at, {readers[i].client, {}, 0});
    at->readers.push_back(i);
    at->wanted += readers[i].wanted;
  }
  return clients;
}

// Equal parts; who wants less leaves the rest to the others.
std::vector<int64_t> equal_parts(
    std::span<const Client> clients, int64_t budget) {
  std::vector<size_t> order(clients.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return clients[a].wanted < clients[b].wanted;
  });
  std::vector<int64_t> parts(clients.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const auto left = static_cast<int64_t>(order.size() - i);
    const int64_t part =
        std::min(clients[order[i]].wanted, (budget + left - 1) / left);
    parts[order[i]] = part;
    budget -= part;
  }
  return parts;
}

// One client's part among its prompts.
void divide(
    const Client& client,
    std::span<const PromptReader> readers,
    int64_t part,
    std::vector<int64_t>& shares) {
  const auto give = [&](size_t reader, int64_t most) {
    const int64_t tokens =
        std::min({most, part, readers[reader].wanted - shares[reader]});
    shares[reader] += tokens;
    part -= tokens;
  };
  give(client.readers.front(), (part + 1) / 2);
  std::vector<size_t> shortest(client.readers);
  std::stable_sort(shortest.begin(), shortest.end(), [&](size_t a, size_t b) {
    return readers[a].wanted - shares[a] < readers[b].wanted - shares[b];
  });
  for (const size_t reader : shortest)
    give(reader, part);
}

}  // namespace

std::vector<int64_t> PromptShares::share(
    std::span<const PromptReader> readers, int64_t budget) {
  std::vector<int64_t> shares(readers.size());
  if (readers.empty())
    return shares;
  budget = std::max<int64_t>(budget, 1);
  std::vector<Client> clients = group(readers);
  // The turn begins after the client that was first last time.
  const auto first = std::upper_bound(
      clients.begin(),
      clients.end(),
      last_,
      [](const std::string& name, const Client& c) { return name < c.name; });
  if (first != clients.end())
    std::rotate(clients.begin(), first, clients.end());
  last_ = clients.front().name;

  const int64_t turns = std::max<int64_t>(1, budget / kLeastPart);
  if (static_cast<int64_t>(clients.size()) > turns)
    clients.resize(static_cast<size_t>(turns));
  const std::vector<int64_t> parts = equal_parts(clients, budget);
  for (size_t i = 0; i < clients.size(); ++i)
    divide(clients[i], readers, parts[i], shares);
  return shares;
}

}  // namespace hadal
