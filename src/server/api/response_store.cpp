// A list in order of use, and where each id stands in it.
#include "server/api/response_store.h"

#include <list>
#include <unordered_map>

namespace hadal {
namespace {

// Memory of a value, about.
size_t value_bytes(const JsonValue& value) {
  size_t bytes = sizeof(JsonValue);
  if (value.is_string())
    bytes += value.as_string().size();
  if (value.is_array())
    for (const JsonValue& item : value.items())
      bytes += value_bytes(item);
  if (value.is_object())
    for (const JsonMember& member : value.members())
      bytes +=
          sizeof(member.key) + member.key.size() + value_bytes(member.value);
  return bytes;
}

size_t turn_bytes(const ResponseTurn& turn) {
  return value_bytes(turn.input) + value_bytes(turn.output);
}

// Two owners may name an item alike. Owners' names have no line ends.
std::string item_key(const std::string& owner, std::string_view item_id) {
  return owner + '\n' + std::string(item_id);
}

std::optional<std::string> item_key(
    const std::string& owner, const JsonValue& item) {
  const JsonValue* id = item.find("id");
  if (id == nullptr || !id->is_string())
    return std::nullopt;
  return item_key(owner, id->as_string());
}

}  // namespace

struct ResponseStore::State {
  using Entry = std::shared_ptr<const StoredResponse>;

  struct SharedTurn {
    size_t users = 0;
    size_t bytes = 0;
  };

  // Without its turns.
  static size_t own_bytes(const StoredResponse& response) {
    return sizeof(StoredResponse) + response.id.size() + response.body.size() +
           response.turns.size() * sizeof(response.turns[0]);
  }

  // Of a response with all its turns, whoever shares them.
  size_t whole_bytes(const StoredResponse& response) const {
    size_t sum = own_bytes(response);
    for (const auto& turn : response.turns) {
      auto known = turns.find(turn.get());
      sum += known == turns.end() ? turn_bytes(*turn) : known->second.bytes;
    }
    return sum;
  }

  void add(Entry response) {
    bytes += own_bytes(*response);
    for (const auto& turn : response->turns) {
      SharedTurn& shared = turns[turn.get()];
      if (shared.users++ > 0)
        continue;
      shared.bytes = turn_bytes(*turn);
      bytes += shared.bytes;
      for (const JsonValue& item : turn->output.items())
        if (const auto key = item_key(response->owner, item))
          items[*key] = &item;
    }
    entries.push_front(std::move(response));
    by_id[entries.front()->id] = entries.begin();
  }

  void drop(std::list<Entry>::iterator entry) {
    const StoredResponse& response = **entry;
    bytes -= own_bytes(response);
    for (const auto& turn : response.turns) {
      auto shared = turns.find(turn.get());
      if (--shared->second.users > 0)
        continue;
      bytes -= shared->second.bytes;
      for (const JsonValue& item : turn->output.items())
        if (const auto key = item_key(response.owner, item))
          forget_item(*key, &item);
      turns.erase(shared);
    }
    by_id.erase(response.id);
    entries.erase(entry);
  }

  // Two turns may name an item alike; the later one holds the name.
  void forget_item(const std::string& key, const JsonValue* item) {
    auto known = items.find(key);
    if (known != items.end() && known->second == item)
      items.erase(known);
  }

  // The end for an unknown id, and for one of another owner.
  std::list<Entry>::iterator entry_of(
      std::string_view id, const std::string& owner) {
    auto known = by_id.find(std::string(id));
    if (known == by_id.end() || (*known->second)->owner != owner)
      return entries.end();
    return known->second;
  }

  ResponseStoreLimits limits;
  std::list<Entry> entries;  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_id;
  std::unordered_map<const ResponseTurn*, SharedTurn> turns;
  std::unordered_map<std::string, const JsonValue*> items;
  size_t bytes = 0;
};

ResponseStore::ResponseStore(const ResponseStoreLimits& limits)
    : state_(std::make_unique<State>()) {
  state_->limits = limits;
}

ResponseStore::~ResponseStore() = default;

void ResponseStore::put(std::shared_ptr<const StoredResponse> response) {
  std::lock_guard lock(mutex_);
  auto known = state_->by_id.find(response->id);
  if (known != state_->by_id.end())
    state_->drop(known->second);
  if (state_->whole_bytes(*response) > state_->limits.max_bytes)
    return;
  state_->add(std::move(response));
  while (!state_->entries.empty() &&
         (state_->entries.size() > state_->limits.max_responses ||
          state_->bytes > state_->limits.max_bytes))
    state_->drop(std::prev(state_->entries.end()));
}

std::shared_ptr<const StoredResponse> ResponseStore::find(
    std::string_view id, const std::string& owner) {
  std::lock_guard lock(mutex_);
  auto& entries = state_->entries;
  const auto entry = state_->entry_of(id, owner);
  if (entry == entries.end())
    return nullptr;
  entries.splice(entries.begin(), entries, entry);
  return *entry;
}

std::optional<JsonValue> ResponseStore::find_item(
    std::string_view item_id, const std::string& owner) {
  std::lock_guard lock(mutex_);
  auto known = state_->items.find(item_key(owner, item_id));
  if (known == state_->items.end())
    return std::nullopt;
  return *known->second;
}

bool ResponseStore::erase(std::string_view id, const std::string& owner) {
  std::lock_guard lock(mutex_);
  const auto entry = state_->entry_of(id, owner);
  if (entry == state_->entries.end())
    return false;
  state_->drop(entry);
  return true;
}

size_t ResponseStore::size() const {
  std::lock_guard lock(mutex_);
  return state_->entries.size();
}

size_t ResponseStore::bytes() const {
  std::lock_guard lock(mutex_);
  return state_->bytes;
}

}  // namespace hadal
