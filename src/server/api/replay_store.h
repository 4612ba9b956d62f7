// What the model wrote in turns with tool calls, so that the same turn sent
// back by a client becomes the same tokens again (spec/text.md 4.7 rule 4).
//
// Clients re-order keys, change white space, or drop the reasoning. A turn is
// found by the id of its first call. Where name and parsed arguments of every
// call are those we gave, and the content is, the turn is printed as generated;
// reasoning that is missing is put back. Whatever a client changed stands as
// the client sent it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hadal/spans.h"
#include "server/api/replay_file.h"
#include "server/api/replay_turn.h"
#include "text/chat_message.h"

namespace hadal {

// Safe from any thread.
class ReplayStore {
 public:
  // `file` keeps the turns that memory has no room for, and those of former
  // runs; may be null.
  explicit ReplayStore(
      size_t max_bytes = size_t{64} << 20,
      std::unique_ptr<ReplayFile> file = nullptr);

  // Keeps a turn that has calls with ids; the least recently used ones go.
  void remember(ReplayTurn turn);
  // Fills raw_reasoning, raw_answer and missing reasoning. Ids that occur in
  // two turns of the conversation tell nothing.
  void restore(std::vector<ChatMessage>& messages);

  size_t turns() const;
  size_t bytes() const;

 private:
  struct Entry {
    ReplayTurn turn;
    std::vector<JsonValue> arguments;  // parsed, one a call
    size_t bytes = 0;
  };

  void keep(ReplayTurn turn);
  void fetch(const std::vector<std::string>& ids);
  void restore(ChatMessage& message);
  void drop(std::list<Entry>::iterator entry);

  const size_t max_bytes_;
  const std::unique_ptr<ReplayFile> file_;
  mutable std::mutex mutex_;
  std::list<Entry> entries_;  // most recently used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_id_;
  size_t bytes_ = 0;
};

// Equal but for the order of members, white space and the spelling of numbers.
bool equal_arguments(const JsonValue& a, const JsonValue& b);

// The spans of generated tokens: control tokens are trusted, all else is not.
class RawText {
 public:
  void add(std::string_view bytes, bool is_control);
  // Without blanks at the end.
  Spans take_trimmed();
  Spans take();

 private:
  Spans spans_;
};

}  // namespace hadal
