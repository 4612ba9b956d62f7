// Turns by call id, least recently used last.
#include "server/api/replay_store.h"

#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "text/spans.h"
#include "text/utf8.h"

namespace hadal {
namespace {

// An entry without texts, with its list node and its places in the map.
constexpr size_t kEntryBytes = 512;

size_t text_bytes(const Spans& spans) {
  size_t bytes = 0;
  for (const TextSpan& span : spans)
    bytes += span.text.size() + sizeof(TextSpan);
  return bytes;
}

JsonValue parsed(const std::string& text) {
  Result<JsonValue> value = parse_json(text.empty() ? "{}" : text);
  return value.has_value() ? std::move(*value) : JsonValue::string(text);
}

bool same_number(const JsonValue& a, const JsonValue& b) {
  if (a.number_text() == b.number_text())
    return true;
  constexpr double kExact = 9007199254740992.0;
  return a.as_double() == b.as_double() && std::abs(a.as_double()) < kExact;
}

}  // namespace

bool equal_arguments(const JsonValue& a, const JsonValue& b) {
  if (a.is_number() && b.is_number())
    return same_number(a, b);
  if (a.is_array() && b.is_array()) {
    if (a.items().size() != b.items().size())
      return false;
    for (size_t i = 0; i < a.items().size(); ++i)
      if (!equal_arguments(a.items()[i], b.items()[i]))
        return false;
    return true;
  }
  if (a.is_object() && b.is_object()) {
    if (a.members().size() != b.members().size())
      return false;
    for (const JsonMember& member : a.members()) {
      const JsonValue* other = b.find(member.key);
      if (other == nullptr || !equal_arguments(member.value, *other))
        return false;
    }
    return true;
  }
  return a == b;
}

void RawText::add(std::string_view bytes, bool is_control) {
  append(spans_, bytes, is_control);
}

Spans RawText::take_trimmed() {
  while (!spans_.empty() && !spans_.back().trusted) {
    std::string& text = spans_.back().text;
    text.erase(text.find_last_not_of(" \t\r\n") + 1);
    if (!text.empty())
      break;
    spans_.pop_back();
  }
  return take();
}

Spans RawText::take() {
  return std::exchange(spans_, {});
}

ReplayStore::ReplayStore(size_t max_bytes, std::unique_ptr<ReplayFile> file)
    : max_bytes_(max_bytes), file_(std::move(file)) {}

void ReplayStore::remember(ReplayTurn turn) {
  if (turn.calls.empty() || turn.calls.front().id.empty())
    return;
  if (file_ != nullptr)
    file_->put(turn);
  keep(std::move(turn));
}

void ReplayStore::keep(ReplayTurn turn) {
  Entry entry;
  entry.bytes = kEntryBytes + turn.reasoning.size() + turn.content.size() +
                text_bytes(turn.raw_reasoning) + text_bytes(turn.raw_answer);
  for (const ToolCall& call : turn.calls) {
    // The text and its parsed form.
    entry.bytes += 3 * call.arguments.size() + call.name.size() + kEntryBytes;
    entry.arguments.push_back(parsed(call.arguments));
  }
  entry.turn = std::move(turn);
  if (entry.bytes > max_bytes_)
    return;
  std::string id = entry.turn.calls.front().id;
  std::lock_guard lock(mutex_);
  auto known = by_id_.find(id);
  if (known != by_id_.end())
    drop(known->second);
  bytes_ += entry.bytes;
  entries_.push_front(std::move(entry));
  by_id_[std::move(id)] = entries_.begin();
  while (bytes_ > max_bytes_)
    drop(std::prev(entries_.end()));
}

void ReplayStore::drop(std::list<Entry>::iterator entry) {
  bytes_ -= entry->bytes;
  by_id_.erase(entry->turn.calls.front().id);
  entries_.erase(entry);
}

void ReplayStore::restore(std::vector<ChatMessage>& messages) {
  std::map<std::string, int> uses;
  for (const ChatMessage& message : messages)
    if (!message.tool_calls.empty())
      ++uses[message.tool_calls.front().id];
  std::vector<ChatMessage*> turns;
  std::vector<std::string> ids;
  for (ChatMessage& message : messages) {
    if (message.role != ChatRole::assistant || message.tool_calls.empty() ||
        uses[message.tool_calls.front().id] > 1)
      continue;
    turns.push_back(&message);
    ids.push_back(message.tool_calls.front().id);
  }
  if (file_ != nullptr)
    fetch(ids);
  std::lock_guard lock(mutex_);
  for (ChatMessage* turn : turns)
    restore(*turn);
}

// From the file, without keeping those waiting who remember.
void ReplayStore::fetch(const std::vector<std::string>& ids) {
  std::vector<std::string> missing;
  {
    std::lock_guard lock(mutex_);
    for (const std::string& id : ids)
      if (!by_id_.contains(id))
        missing.push_back(id);
  }
  for (const std::string& id : missing)
    if (std::optional<ReplayTurn> turn = file_->find(id))
      keep(std::move(*turn));
}

void ReplayStore::restore(ChatMessage& message) {
  auto found = by_id_.find(message.tool_calls.front().id);
  if (found == by_id_.end())
    return;
  entries_.splice(entries_.begin(), entries_, found->second);
  const Entry& entry = *found->second;
  const ReplayTurn& turn = entry.turn;
  if (message.reasoning.empty())
    message.reasoning = turn.reasoning;
  if (message.reasoning == turn.reasoning)
    message.raw_reasoning = turn.raw_reasoning;
  if (message.content != turn.content ||
      message.tool_calls.size() != turn.calls.size())
    return;
  for (size_t i = 0; i < turn.calls.size(); ++i) {
    const ChatToolCall& call = message.tool_calls[i];
    if (call.name != turn.calls[i].name || !call.arguments.is_string() ||
        !equal_arguments(
            parsed(call.arguments.as_string()), entry.arguments[i]))
      return;
  }
  message.raw_answer = turn.raw_answer;
}

size_t ReplayStore::turns() const {
  std::lock_guard lock(mutex_);
  return entries_.size();
}

size_t ReplayStore::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace hadal
