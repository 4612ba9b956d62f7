// The answers of the Responses API that clients may come back to: by GET, and
// by `previous_response_id`, which continues a conversation without sending it
// again. In memory, least recently used first out.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "text/json_value.h"

namespace hadal {

struct ResponseStoreLimits {
  size_t max_responses = 1'000;
  size_t max_bytes = size_t{256} << 20;
};

// One round of a conversation: what the client sent, what the model answered.
// Responses that continue it share it.
struct ResponseTurn {
  JsonValue input = JsonValue::array({});   // items, each with an id
  JsonValue output = JsonValue::array({});  // items
};

struct StoredResponse {
  std::string owner;  // the name of the API key that asked; "" without keys
  std::string id;
  std::string body;  // the response object, as it was sent
  // All turns up to and including its own.
  std::vector<std::shared_ptr<const ResponseTurn>> turns;
};

// All calls from any thread. What belongs to another owner is not found.
class ResponseStore {
 public:
  explicit ResponseStore(const ResponseStoreLimits& limits = {});
  ~ResponseStore();

  // Keeps it under its id, and forgets others to stay within the limits. One
  // that is larger than all of them is not kept.
  void put(std::shared_ptr<const StoredResponse> response);
  // Null for an unknown or forgotten id.
  std::shared_ptr<const StoredResponse> find(
      std::string_view id, const std::string& owner = {});
  // The item with that id in the output of any of the owner's responses.
  std::optional<JsonValue> find_item(
      std::string_view item_id, const std::string& owner = {});
  // False when there is none.
  bool erase(std::string_view id, const std::string& owner = {});

  size_t size() const;
  // Of kept responses; a turn that several share counts once.
  size_t bytes() const;

 private:
  struct State;
  mutable std::mutex mutex_;
  std::unique_ptr<State> state_;
};

// The store as one owner sees it. The store outlives it.
class OwnResponses {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a store without owners
  OwnResponses(ResponseStore& store, std::string owner = {})
      : store_(&store), owner_(std::move(owner)) {}

  void put(StoredResponse response) const {
    response.owner = owner_;
    store_->put(std::make_shared<const StoredResponse>(std::move(response)));
  }
  std::shared_ptr<const StoredResponse> find(std::string_view id) const {
    return store_->find(id, owner_);
  }
  std::optional<JsonValue> find_item(std::string_view item_id) const {
    return store_->find_item(item_id, owner_);
  }
  bool erase(std::string_view id) const { return store_->erase(id, owner_); }

 private:
  ResponseStore* store_;
  std::string owner_;
};

}  // namespace hadal
